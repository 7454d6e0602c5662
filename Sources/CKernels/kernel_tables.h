// The table of each instruction set; a file that does not fit the processor family defines none.

#include "CKernels.h"

extern const CogKernels cog_portable_kernels;
#if defined(__x86_64__)
extern const CogKernels cog_avx2_kernels;
extern const CogKernels cog_avx_vnni_kernels;
extern const CogKernels cog_avx512_vnni_kernels;
extern const CogKernels cog_avx512_pairs_kernels;
#elif defined(__aarch64__)
extern const CogKernels cog_neon_kernels;
#endif

/// The table of a file: every file gives its kernels the same names.
#define COG_KERNEL_TABLE(instruction_set, set_name)                                                          \
  COG_KERNEL_TABLE_WITH(instruction_set, set_name, cog_quantize_activations, cog_matmul_int4, 4, 1, NULL)

/// The same with products of its own for `tokens` tokens and more.
#define COG_KERNEL_TABLE_WITH(                                                                               \
    instruction_set, set_name, many_activations, many_matmul, panels, tokens, many_next)                     \
  {                                                                                                          \
      .set = instruction_set,                                                                                \
      .name = set_name,                                                                                      \
      .to_float = cog_to_float,                                                                              \
      .from_float = cog_from_float,                                                                          \
      .round_to_bf16 = cog_round_to_bf16,                                                                    \
      .tile_tokens = COG_TILE_TOKENS,                                                                        \
      .many_tokens = tokens,                                                                                 \
      .int4 = {cog_quantize_activations, cog_matmul_int4, 4, NULL},                                          \
      .int4_many = {many_activations, many_matmul, panels, many_next},                                       \
      .int8 = {cog_quantize_activations, cog_matmul_int8, 4, NULL},                                          \
      .rounding_rest = cog_rounding_rest,                                                                    \
      .dequantize = cog_dequantize,                                                                          \
      .quantize = cog_quantize_panel,                                                                        \
      .pack = cog_pack_panel,                                                                                \
      .matvec_f32 = cog_matvec_f32,                                                                          \
      .matvec_bf16 = cog_matvec_bf16,                                                                        \
      .attention = {cog_pack_keys, cog_pack_values, cog_attend_block},                                       \
      .short_attention = {cog_pack_short_keys, cog_pack_short_values, cog_attend_short_block},               \
      .attention_scratch_size = cog_attention_scratch_size,                                                  \
      .add_weighted_rows = cog_add_weighted_rows,                                                            \
      .scores_f16 = cog_scores_f16,                                                                          \
      .weigh_values_f16 = cog_weigh_values_f16,                                                              \
      .layer_norm = cog_layer_norm,                                                                          \
      .rms_norm = cog_rms_norm,                                                                              \
      .gelu = cog_gelu,                                                                                      \
      .rough_gelu = cog_rough_gelu,                                                                          \
      .silu = cog_silu,                                                                                      \
      .add = cog_add,                                                                                        \
      .multiply = cog_multiply,                                                                              \
      .softmax = cog_softmax,                                                                                \
      .divide = cog_divide,                                                                                  \
  }
