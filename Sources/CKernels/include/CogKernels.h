// The kernels that each backend compiles of the same sources: a table of functions.
//
// Every function of a table gives the same result as the portable one, to the bit.

#ifndef COG_KERNELS_H
#define COG_KERNELS_H

#include "CogAttention.h"
#include "CogFeedback.h"
#include "CogPanels.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// Element types that are converted from and to float32.
typedef enum CogElementType {
  COG_F32 = 0,
  COG_F64,
  COG_F16,
  COG_BF16,
  COG_BOOL,
  COG_U8,
  COG_I8,
  COG_U16,
  COG_I16,
  COG_U32,
  COG_I32,
  COG_U64,
  COG_I64,
} CogElementType;

/// The kernels of one backend.
typedef struct CogKernels {
  // Conversions; both pointers may be unaligned. Halves round to nearest even, NaN stays NaN. `from_float`
  // writes F32, F64, F16 and BF16 and returns COG_BAD_ARGUMENT for the others.
  CogStatus (*to_float)(CogElementType type, const void *source, float *destination, size_t count);
  CogStatus (*from_float)(CogElementType type, const float *source, void *destination, size_t count);
  void (*round_to_bf16)(float *values, size_t count);

  // Quantized weights.
  CogPanelDequantize *dequantize;
  CogPanelQuantize *quantize;
  CogPanelPack *pack;
  CogRoundWithFeedback *round_with_feedback;
  // What quantizing a token to 8 bits leaves out of it: x - scale * q in each group; 0 in one that counts as
  // zeros or has NaN or infinity.
  void (*rounding_residual)(const float *x, size_t columns, size_t group_size, float *residual);

  // One token times plain weights:
  // output[row] = sum over columns of weights[row * stride + column] * x[column].
  // The stride counts elements. The BF16 weights may be unaligned.
  void (*matvec_f32)(
      const float *weights, size_t stride, size_t rows, size_t columns, const float *x, float *output);
  void (*matvec_bf16)(
      const void *weights, size_t stride, size_t rows, size_t columns, const float *x, float *output);

  CogAttention attention;        ///< in float32
  CogAttention int16_attention;  ///< with 16-bit integers, within a thousandth of it
  size_t (*attention_scratch_size)(const CogAttentionHead *head);

  // Attention of one query: output[column] += sum over i of weights[i] * values[i * stride + column].
  void (*add_weighted_rows)(
      const float *values, size_t stride, size_t count, size_t columns, const float *weights, float *output);

  // Attention of one query, `heads` query heads that share one key and value head whose rows [count,
  // dimension] are F16: scores[head * score_stride + i] = keys[i] . queries[head], and
  // output[head * output_stride + j] = sum over i of weights[head * weight_stride + i] * values[i][j].
  void (*scores_f16)(
      const uint16_t *keys, size_t count, size_t dimension, const float *queries, size_t query_stride,
      size_t heads, float *scores, size_t score_stride);
  void (*weigh_values_f16)(
      const uint16_t *values, size_t count, size_t dimension, const float *weights, size_t weight_stride,
      size_t heads, float *output, size_t output_stride);

  // Rows of `count` elements.
  void (*layer_norm)(
      const float *x, const float *weight, const float *bias, float epsilon, float *output, size_t count);
  void (*rms_norm)(const float *x, const float *weight, float epsilon, float *output, size_t count);
  void (*gelu)(float *x, size_t count);              // x / 2 * (1 + erf(x / sqrt 2))
  void (*approximate_gelu)(float *x, size_t count);  // within 4e-5 |x| of that, in a fourth of the time
  void (*silu)(float *x, size_t count);              // x / (1 + exp(-x))
  void (*add)(float *x, const float *y, size_t count);
  void (*multiply)(float *x, const float *y, size_t count);

  // scores[i] becomes exp(scale * scores[i] - max of scale * scores); returns the sum of these. With
  // `round_weights` the stored exponentials are rounded to BF16, the sum is of those before rounding.
  float (*softmax)(float *scores, size_t count, float scale, bool round_weights);
  // x[i] /= divisor
  void (*divide)(float *x, float divisor, size_t count);
} CogKernels;

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#endif
