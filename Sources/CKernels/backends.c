// The list of backends, and the choice of a product.

#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#endif
#include <unistd.h>

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
    const bool takes_group_size = (product->group_sizes & group_size) == group_size;
    if (product->bits == bits && takes_group_size && tokens >= product->fewest_tokens) return product;
  }
  return NULL;
}

size_t cog_processor_count(void) {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    const int count = CPU_COUNT(&set);
    if (count > 0) return (size_t)count;
  }
#endif
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? (size_t)count : 1;
}
