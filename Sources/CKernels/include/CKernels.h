// Compute kernels, one table of functions for each instruction set.
//
// Every function of a table gives the same result as the portable one: the integer kernels and everything
// that is built from the helpers in elementwise.h to the bit. Pointers to bytes of a file may be unaligned.

#ifndef COG_KERNELS_H
#define COG_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// The instruction sets that kernels are written for.
typedef enum CogInstructionSet {
  COG_PORTABLE = 0,     ///< plain C, the oracle of the others
  COG_AVX2 = 1,         ///< AVX2, FMA, F16C
  COG_AVX_VNNI = 2,     ///< the same and VNNI on 256-bit registers
  COG_AVX512_VNNI = 3,  ///< AVX-512 F, BW, DQ, VL, VNNI
  /// The same instructions, with int4 products of many tokens two to a multiplication (avx512_pairs.h): for
  /// processors that add bytes in twice as many places as they multiply, as AMD's do.
  COG_AVX512_PAIRS = 4,
  COG_NEON = 5,  ///< arm64 with dot products
} CogInstructionSet;

/// How many values `CogInstructionSet` has.
enum { COG_INSTRUCTION_SET_COUNT = 6 };

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

/// A quantized matrix as Formats/int4.md lays it out: panels of 16 rows.
typedef struct CogPanelMatrix {
  const uint8_t *panels;  ///< the first panel
  unsigned bits;          ///< of a weight: 4 or 8
  size_t rows;            ///< rows of the matrix; the last panel may have padding rows
  size_t group_size;      ///< columns that share a scale: 32, 64 or 128
  size_t group_count;     ///< groups in a row; the last may be short
  size_t padded_columns;  ///< columns rounded up to a multiple of 8
  size_t header_bytes;    ///< bytes of scales and zero points in a block of four groups
  size_t block_bytes;     ///< bytes from one block to the next
  size_t panel_bytes;     ///< bytes from one panel to the next
} CogPanelMatrix;

/// The largest magnitude of a quantized activation: it leaves room in a byte for an int4 weight beside it.
enum { COG_LARGEST_ACTIVATION = 112 };
/// A group of smaller activations counts as zeros: 112 divided by them would not be finite.
static const float COG_LEAST_ACTIVATION = 0x1p-120f;

/// Activations quantized to 8 bits, in tiles of neighboring tokens that a kernel multiplies with one load of
/// the weights. Tile `i` holds `n` tokens, `tile_tokens` of them but for the last, which may hold fewer, and
/// starts where that many full tiles end. It is read from its first byte to its last, for each group of the
/// weights:
///
///   int8_t values[group_size / 4][n][4]; float scales[n]; int32_t sums[n]; int32_t offsets[n];
///
/// A short last group takes as many bytes as the others, in all
/// tokens * group_count * cog_token_bytes(group_size).
/// But for the scales, what the numbers are, and in which order the values lie, is between the two functions
/// of a CogProduct.
typedef struct CogActivations {
  const void *tiles;   ///< aligned to 4 bytes
  size_t tokens;       ///< in all tiles together
  size_t tile_tokens;  ///< `CogKernels.tile_tokens` of the kernels that multiply
} CogActivations;

/// Bytes of a token's quantized activations in a group.
static inline size_t cog_token_bytes(size_t group_size) { return group_size + 12; }

/// What quantizing weights lost. Relative error of a group: sqrt(sum of squared errors / sum of squares).
typedef struct CogPanelError {
  double squared_error;         ///< sum of (weight - decoded weight)^2
  double squared_sum;           ///< sum of weight^2
  double worst_relative_error;  ///< the largest relative error of a group; 0 when all groups are exact
  size_t worst_row;             ///< its row in the panel, 0 to 15
  size_t worst_group;           ///< its group
} CogPanelError;

/// Quantizers return this or a problem; on `COG_NOT_FINITE` the error's worst row and group name the place.
typedef enum CogStatus { COG_OK = 0, COG_NOT_FINITE = 1, COG_BAD_ARGUMENT = 2 } CogStatus;

/// Multiplies `tokens` activations with the panels [first_panel, end_panel):
/// output[t * output_stride + row] for the rows of those panels, plus bias[row] where bias is not NULL.
typedef void CogPanelMatmul(
    const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel, const CogActivations *activations,
    const float *_Nullable bias, float *output, size_t output_stride);

/// Quantizes a tile of `tokens` tokens, x[tokens][stride] with `columns` columns, to 8 bits (Formats/int4.md,
/// "Activations") for weights of that group size. A group with NaN or infinity gets the scale NaN and zeros,
/// so that its outputs are NaN.
typedef void CogQuantizeActivations(
    const float *x, size_t stride, size_t tokens, size_t columns, size_t padded_columns, size_t group_size,
    void *tile);

/// The activations of a product that takes what another one puts out, as CogActivations.
typedef struct CogNextActivations {
  void (*map)(float *x, size_t count);  ///< applied to each output
  void *tiles;                          ///< the first token's, which begins a tile
  size_t group_count;                   ///< of the next product's weights, whose group size is 64
  size_t padded_columns;                ///< likewise
} CogNextActivations;

enum {
  COG_NEXT_STEP = 4,          ///< panels of a CogPanelMatmulNext come in as many: a group of its outputs
  COG_NEXT_MOST_GROUPS = 112  ///< groups of a row of its weights, at most
};

/// Multiplies activations with the panels [first_panel, end_panel), adds the bias, maps the outputs and
/// quantizes them for the next product; they never are in memory as floats. The same numbers as
/// CogPanelMatmul, the map and CogQuantizeActivations one after the other. `first_panel` is a multiple of
/// COG_NEXT_STEP; so is `end_panel`, or it is the number of panels.
typedef void CogPanelMatmulNext(
    const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel, const CogActivations *activations,
    const float *_Nullable bias, const CogNextActivations *next);

/// How quantized weights meet activations: what one function writes, the other one reads.
typedef struct CogProduct {
  CogQuantizeActivations *activations;
  CogPanelMatmul *matmul;
  size_t fewest_panels;  ///< panels that are worth a call with many tokens
  /// NULL where nothing is won with it; else for weights and next weights in int4 with groups of 64.
  CogPanelMatmulNext *_Nullable matmul_next;
} CogProduct;

/// Writes the rows [first_row, end_row) as float32, `columns` of each, output[row - first_row][column].
typedef void CogPanelDequantize(
    const CogPanelMatrix *matrix, size_t first_row, size_t end_row, size_t columns, float *output,
    size_t output_stride);

/// How scales and zero points of quantized weights are chosen.
typedef enum CogScaleChoice {
  COG_LEAST_SQUARES = 0,  ///< a search for the least squared error
  /// What the largest weights need: in int4 from the least and the largest, 0 included, in int8 from the
  /// largest magnitude.
  COG_ABSMAX = 1,
} CogScaleChoice;

/// Quantizes up to 16 rows of float weights into one whole panel of matrix's layout (matrix->panels is not
/// read; every byte of `panel` is written). `rows` is the number of rows that exist, the others become
/// padding.
typedef CogStatus CogPanelQuantize(
    const CogPanelMatrix *matrix, CogScaleChoice way, const float *weights, size_t weight_stride, size_t rows,
    size_t columns, uint8_t *panel, CogPanelError *error);

/// Rows that are quantized already, however their codes were found: weight ~ scale * (code - zero).
typedef struct CogPanelCodes {
  const int8_t *codes;             ///< [rows][columns]: 0 to 15 in int4, -127 to 127 in int8
  const float *scales;             ///< [rows][group_count], each of them a number of F16, not negative
  const uint8_t *_Nullable zeros;  ///< [rows][group_count], 0 to 15; NULL for zeros, which int8 always has
  size_t rows, columns;            ///< rows that exist, at most 16
} CogPanelCodes;

/// Packs such rows into one whole panel of matrix's layout, as CogPanelQuantize does; COG_BAD_ARGUMENT when
/// the format has no such number. A row's group of zeros becomes the format's zeros, whatever its scale was.
typedef CogStatus CogPanelPack(const CogPanelMatrix *matrix, const CogPanelCodes *source, uint8_t *panel);

/// A key and value head, and the query heads that share it.
typedef struct CogAttentionHead {
  const float *queries;  ///< [query_count][heads * dimension], the first of the heads
  size_t query_stride;   ///< floats from one query to the next
  float *output;         ///< likewise
  size_t output_stride;
  size_t query_count;
  size_t key_count;
  size_t heads;      ///< query heads, 1 to COG_ATTENTION_ROWS
  size_t dimension;  ///< features of a head
  float scale;       ///< what the scores are multiplied with
  bool is_causal;    ///< query i sees key_count - query_count + i + 1 keys, all otherwise
  /// To BF16: the exponentials before they meet the values, and the outputs. Attention with shorts does not.
  bool rounds;
} CogAttentionHead;

/// Queries times heads that a block of attention has at most.
enum { COG_ATTENTION_ROWS = 24 };

/// How many of `key_count` keys the query of a number below `query_count` sees: the first ones.
static inline size_t cog_visible_keys(bool is_causal, size_t query_count, size_t key_count, size_t query) {
  if (!is_causal) return key_count;
  const size_t seen = key_count + query + 1;
  return seen > query_count ? seen - query_count : 0;
}

/// Room for the packed keys, or values, of a head, in floats.
static inline size_t cog_packed_size(size_t count, size_t dimension) {
  return (count + 15) / 16 * 16 * ((dimension + 15) / 16 * 16);
}

/// Attention of many queries: softmax(q k^T * scale) v. Keys and values, rows [count, dimension] that are
/// `stride` floats apart, are packed once for all queries, into the room of cog_packed_size floats.
typedef struct CogAttention {
  void (*pack_keys)(const float *keys, size_t stride, size_t count, size_t dimension, void *packed);
  void (*pack_values)(const float *values, size_t stride, size_t count, size_t dimension, void *packed);
  /// Writes the outputs of `count` queries from `first` on, count * heads <= COG_ATTENTION_ROWS; a query that
  /// sees no key gets zeros. The scratch memory has room for as many floats as attention_scratch_size tells.
  void (*attend_block)(
      const CogAttentionHead *head, const void *packed_keys, const void *packed_values, size_t first,
      size_t count, void *scratch);
} CogAttention;

/// The kernels of one instruction set.
typedef struct CogKernels {
  CogInstructionSet set;
  const char *name;

  // Conversions; both pointers may be unaligned. Halves round to nearest even, NaN stays NaN. `from_float`
  // writes F32, F64, F16 and BF16 and returns COG_BAD_ARGUMENT for the others.
  CogStatus (*to_float)(CogElementType type, const void *source, float *destination, size_t count);
  CogStatus (*from_float)(CogElementType type, const float *source, void *destination, size_t count);
  void (*round_to_bf16)(float *values, size_t count);

  // Quantized weights.
  size_t tile_tokens;    ///< tokens that share one load of the weights
  size_t many_tokens;    ///< tokens from which on int4_many is the faster one
  CogProduct int4;       ///< int4 weights and a few tokens, or any number
  CogProduct int4_many;  ///< the same numbers
  CogProduct int8;
  // What quantizing a token to 8 bits leaves out of it: x - scale * q in each group; 0 in one that counts as
  // zeros or has NaN or infinity.
  void (*rounding_rest)(const float *x, size_t columns, size_t group_size, float *rest);
  CogPanelDequantize *dequantize;
  CogPanelQuantize *quantize;
  CogPanelPack *pack;

  // One token times plain weights:
  // output[row] = sum over columns of weights[row * stride + column] * x[column].
  // The stride counts elements. The BF16 weights may be unaligned.
  void (*matvec_f32)(
      const float *weights, size_t stride, size_t rows, size_t columns, const float *x, float *output);
  void (*matvec_bf16)(
      const void *weights, size_t stride, size_t rows, size_t columns, const float *x, float *output);

  CogAttention attention;        ///< in float32
  CogAttention short_attention;  ///< with 16-bit integers, within a thousandth of it
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
  void (*gelu)(float *x, size_t count);        // x / 2 * (1 + erf(x / sqrt 2))
  void (*rough_gelu)(float *x, size_t count);  // within 4e-5 |x| of that, in a fourth of the time
  void (*silu)(float *x, size_t count);        // x / (1 + exp(-x))
  void (*add)(float *x, const float *y, size_t count);
  void (*multiply)(float *x, const float *y, size_t count);

  // scores[i] becomes exp(scale * scores[i] - max of scale * scores); returns the sum of these. With
  // `round_weights` the stored exponentials are rounded to BF16, the sum is of those before rounding.
  float (*softmax)(float *scores, size_t count, float scale, bool round_weights);
  // x[i] /= divisor
  void (*divide)(float *x, float divisor, size_t count);
} CogKernels;

/// The kernels of an instruction set, or NULL where this processor, its operating system or this build
/// lacks it.
const CogKernels *_Nullable cog_kernels(CogInstructionSet set);

/// The fastest instruction set that this processor has.
CogInstructionSet cog_best_instruction_set(void);

/// The kernels of that set.
const CogKernels *cog_best_kernels(void);

/// The name of an instruction set, as the environment variable COGVLM_KERNELS spells it; NULL for no such
/// set.
const char *_Nullable cog_instruction_set_name(CogInstructionSet set);

/// Processors that this process may run on, at least 1.
size_t cog_processor_count(void);

/// Lets a thread that waits in a loop leave the processor's execution units to others for a moment.
static inline void cog_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#include "CogLimits.h"
#include "CogStatistics.h"

#endif
