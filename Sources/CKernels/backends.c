// The list of backends, and the choice of a product.

#include "CogBackends.h"
#include "backends/list.h"

#define COG_DECLARE(name) extern const CogBackend cog_##name##_backend;
COG_BACKENDS(COG_DECLARE)
#undef COG_DECLARE

#define COG_ADDRESS(name) &cog_##name##_backend,
static const CogBackend *const backends[] = {COG_BACKENDS(COG_ADDRESS)};
#undef COG_ADDRESS

const CogBackend *cog_backend(size_t index) {
  return index < sizeof backends / sizeof *backends ? backends[index] : NULL;
}

const CogProduct *cog_product(
    const CogBackend *backend, bool with_option, unsigned bits, size_t group_size, size_t tokens) {
  for (size_t i = 0; i < backend->product_count; i++) {
    const CogProduct *product = backend->products[i];
    if (product->is_optional && !with_option) continue;
    const bool is_one_size = group_size != 0 && (group_size & (group_size - 1)) == 0;
    const bool takes_group_size = is_one_size && (product->group_sizes & group_size) != 0;
    if (product->bits == bits && takes_group_size && tokens >= product->fewest_tokens) return product;
  }
  return NULL;
}
