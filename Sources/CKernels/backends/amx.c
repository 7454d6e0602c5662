// AMX: tiles of 16 tokens and 16 rows; with few tokens as AVX-512 with VNNI.

#include "CogBackends.h"

#if defined(__x86_64__) && !defined(COG_SIMDE)

#include "x86.h"

#define COG_KERNEL                                                                                           \
  COG_TARGET("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,amx-tile,amx-int8") static

#include "avx512-inl.h"

#include "../generic/kernel_table-inl.h"
#include "../products/tiles_amx-inl.h"

#include "../products/tile_peak-inl.h"
#include "../products/tiled-inl.h"

#include "../generic/limits-inl.h"

static const CogProduct int4_tiled_product = COG_TILED_PRODUCT(4, false);
static const CogProduct int8_tiled_product = COG_TILED_PRODUCT(8, false);

static const CogProduct *const products[] = {
    &int4_tiled_product, &int8_tiled_product, &cog_int4_tile_product, &cog_int8_tile_product};

#endif

const CogBackend cog_amx_backend = {
    .name = "amx",
#if defined(__x86_64__) && !defined(COG_SIMDE)
    .runs_here = cog_has_amx,
    COG_BACKEND_TABLES,
#endif
};
