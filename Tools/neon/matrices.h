// Matrices of quantized weights, for the programs in this folder.

#ifndef COG_TOOLS_MATRICES_H
#define COG_TOOLS_MATRICES_H

#include <stdlib.h>

#include "CKernels.h"

/// A matrix of that size (Formats/int4.md, "Sizes"), without its panels.
static inline CogPanelMatrix make_matrix(size_t rows, size_t columns, size_t group_size, int is_int4) {
  const size_t padded = (columns + 7) / 8 * 8, groups = (padded + group_size - 1) / group_size;
  const size_t header = is_int4 ? 192 : 128, line_columns = is_int4 ? 8 : 4;
  const CogPanelMatrix matrix = {
      .bits = is_int4 ? 4 : 8,
      .rows = rows,
      .group_size = group_size,
      .group_count = groups,
      .padded_columns = padded,
      .header_bytes = header,
      .block_bytes = header + 4 * group_size / line_columns * 64,
      .panel_bytes = (groups + 3) / 4 * header + padded / line_columns * 64};
  return matrix;
}

/// Quantizes the activations of `tokens` tokens, x[tokens][columns], into the tiles of a product.
static inline void prepare_tiles(
    const CogProduct *product, const CogPanelMatrix *matrix, const float *x, size_t tokens, size_t columns,
    uint8_t *tiles) {
  const size_t token_bytes = matrix->group_count * cog_token_bytes(matrix->group_size);
  for (size_t first = 0; first < tokens; first += product->tile_tokens) {
    const size_t left = tokens - first;
    product->prepare(
        x + first * columns, columns, left < product->tile_tokens ? left : product->tile_tokens, columns,
        matrix->padded_columns, matrix->group_size, tiles + first * token_bytes);
  }
}

/// The memory that a call of a product needs, or NULL for none.
static inline void *make_scratch(const CogProduct *product) {
  return product->scratch_bytes > 0 ? aligned_alloc(64, (product->scratch_bytes + 63) / 64 * 64) : NULL;
}

#endif
