// Everything that a backend compiles of plain C, and the tables that it shows.

#ifndef COG_KERNEL_TABLE_INL_H
#define COG_KERNEL_TABLE_INL_H

#include "activations-inl.h"
#include "block_attention-inl.h"
#include "cached_attention-inl.h"
#include "conversions-inl.h"
#include "elementwise-inl.h"
#include "feedback_rounding-inl.h"
#include "int16_attention-inl.h"
#include "matvec-inl.h"
#include "panel_quantizer-inl.h"
#include "panels-inl.h"
#include "statistics-inl.h"

static const CogKernels cog_kernels = {
    .to_float = cog_to_float,
    .from_float = cog_from_float,
    .round_to_bf16 = cog_round_to_bf16,
    .dequantize = cog_dequantize,
    .quantize = cog_quantize_panel,
    .pack = cog_pack_panel,
    .round_with_feedback = cog_round_with_feedback,
    .rounding_residual = cog_rounding_residual,
    .matvec_f32 = cog_matvec_f32,
    .matvec_bf16 = cog_matvec_bf16,
    .attention = {cog_pack_keys, cog_pack_values, cog_attend_block},
    .int16_attention = {cog_pack_int16_keys, cog_pack_int16_values, cog_attend_int16_block},
    .attention_scratch_size = cog_attention_scratch_size,
    .add_weighted_rows = cog_add_weighted_rows,
    .scores_f16 = cog_scores_f16,
    .weigh_values_f16 = cog_weigh_values_f16,
    .layer_norm = cog_layer_norm,
    .rms_norm = cog_rms_norm,
    .gelu = cog_gelu,
    .approximate_gelu = cog_approximate_gelu,
    .silu = cog_silu,
    .add = cog_add,
    .multiply = cog_multiply,
    .softmax = cog_softmax,
    .divide = cog_divide,
};

/// What a CogBackend shows of a source file, whose list of products is `products`.
#define COG_BACKEND_TABLES                                                                                   \
  .kernels = &cog_kernels, .statistics = &cog_statistics, .limits = &cog_limits, .products = products,       \
  .product_count = sizeof products / sizeof *products

#endif
