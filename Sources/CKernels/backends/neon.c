// NEON with dot products (arm64, ARMv8.2): four tokens share a load of the weights.

#include "CogBackends.h"

#if defined(__aarch64__)

#include "arm.h"

#define COG_KERNEL __attribute__((target("dotprod"))) static

#include "neon-inl.h"

#include "../generic/kernel_table-inl.h"
#include "../generic/limits-inl.h"

static const CogProduct *const products[] = {&cog_int4_tile_product, &cog_int8_tile_product};

#endif

const CogBackend cog_neon_backend = {
    .name = "neon",
#if defined(__aarch64__)
    .runs_here = cog_has_dot_products,
    COG_BACKEND_TABLES,
#endif
};
