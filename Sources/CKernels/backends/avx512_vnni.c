// AVX-512 with VNNI: 12 tokens share a load of the weights.

#include "CogBackends.h"

#if defined(__x86_64__)

#include "x86.h"

#define COG_KERNEL COG_TARGET("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni") static

#include "avx512-inl.h"

#include "../generic/kernel_table-inl.h"
#include "../generic/limits-inl.h"
#include "../products/pairs_avx512-inl.h"

/// Whether bytes are added on four ports of a core and multiplied on two: AMD's since Zen 4, the first that
/// have AVX-512. Intel's add on as few ports as they multiply.
static bool adds_faster_than_it_multiplies(void) { return cog_processor_family().vendor == COG_AMD; }

static const CogProduct pair_product = {
    .is_optional = true,
    .bits = 4,
    .group_sizes = COG_PAIR_GROUP,
    .fewest_tokens = COG_MANY_PAIR_TOKENS,
    .tile_tokens = COG_TILE_TOKENS,
    .fewest_panels = COG_PAIR_BLOCK_PANELS,
    .prepare = cog_quantize_pair_activations,
    .multiply = cog_multiply_pairs,
    .multiply_next = cog_multiply_next_pairs,
    .scratch_bytes = sizeof(CogPairScratch),
};

static const CogProduct *const products[] = {&pair_product, &cog_int4_tile_product, &cog_int8_tile_product};

#endif

const CogBackend cog_avx512_vnni_backend = {
    .name = "avx512-vnni",
    .option_name = "avx512-pairs",
#if defined(__x86_64__)
    .runs_here = cog_has_avx512_vnni,
    .option_pays_here = adds_faster_than_it_multiplies,
    COG_BACKEND_TABLES,
#endif
};
