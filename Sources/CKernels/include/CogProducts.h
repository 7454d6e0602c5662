// Products of quantized weights with activations quantized to 8 bits.

#ifndef COG_PRODUCTS_H
#define COG_PRODUCTS_H

#include "CogPanels.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

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
  size_t tile_tokens;  ///< the product's
} CogActivations;

/// Bytes of a token's quantized activations in a group.
static inline size_t cog_token_bytes(size_t group_size) { return group_size + 12; }

/// Quantizes a tile of `tokens` tokens, x[tokens][stride] with `columns` columns, to 8 bits (Formats/int4.md,
/// "Activations") for weights of that group size. A group with NaN or infinity gets the scale NaN and zeros,
/// so that its outputs are NaN.
typedef void CogQuantizeActivations(
    const float *x, size_t stride, size_t tokens, size_t columns, size_t padded_columns, size_t group_size,
    void *tile);

/// What is multiplied: activations with the panels [first_panel, end_panel).
typedef struct CogOperands {
  CogPanelMatrix matrix;
  size_t first_panel, end_panel;
  CogActivations activations;
  const float *_Nullable bias;  ///< [rows], added to the products; NULL for none
  void *_Nullable scratch;      ///< as many bytes as the product's scratch_bytes, aligned to 64
} CogOperands;

/// Writes output[token * output_stride + row] for the rows of the panels.
typedef void CogMultiply(const CogOperands *operands, float *output, size_t output_stride);

/// The activations of a product that takes what another one puts out, as CogActivations.
typedef struct CogNextActivations {
  void (*map)(float *x, size_t count);  ///< applied to each output
  void *tiles;                          ///< the first token's, which begins a tile
  size_t group_count;                   ///< of the next product's weights, whose group size is 64
  size_t padded_columns;                ///< likewise
} CogNextActivations;

enum {
  COG_NEXT_PANELS = 4,         ///< panels of a CogMultiplyNext come in as many: a group of its outputs
  COG_NEXT_ROWS = 64,          ///< their rows: the group size of both weights
  COG_NEXT_MOST_GROUPS = 112,  ///< groups of a row of its weights, at most
};

/// Multiplies, adds the bias, maps the outputs and quantizes them for the next product; they never are in
/// memory as floats. The same numbers as CogMultiply, the map and CogQuantizeActivations one after the other.
/// `first_panel` is a multiple of COG_NEXT_PANELS; so is `end_panel`, or it is the number of panels.
typedef void CogMultiplyNext(const CogOperands *operands, const CogNextActivations *next);

/// A way to multiply quantized weights with activations: what one function writes, the other one reads. All
/// products of a matrix give the same bits.
typedef struct CogProduct {
  unsigned bits;         ///< of the weights: 4 or 8
  unsigned group_sizes;  ///< of the weights, or-ed together: 32 | 64 | 128
  size_t fewest_tokens;  ///< tokens from which on it is worth its preparation
  size_t tile_tokens;    ///< tokens that share one load of the weights
  size_t fewest_panels;  ///< panels that are worth a call with many tokens
  CogQuantizeActivations *prepare;
  CogMultiply *multiply;
  /// NULL where nothing is won with it; else for a next product that is this one as well, of group size 64.
  CogMultiplyNext *_Nullable multiply_next;
  size_t scratch_bytes;  ///< memory that a call of either needs
  bool is_optional;      ///< in use only where CogBackend.option_name is asked for, or is the faster
} CogProduct;

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#endif
