// One row times a plain matrix. Memory-bound: each number of the matrix is read once, and sums are float32,
// in partial sums.

#ifndef COG_MATVEC_INL_H
#define COG_MATVEC_INL_H

#include "conversions-inl.h"

enum { COG_MATVEC_LANES = 32 };

COG_KERNEL inline float cog_sum_float_lanes(float *lanes) {
  for (size_t width = COG_MATVEC_LANES / 2; width > 0; width /= 2) {
    for (size_t i = 0; i < width; i++) lanes[i] += lanes[i + width];
  }
  return lanes[0];
}

/// Dot products of four rows: short rows, as of attention, would spend their time on adding up the lanes of
/// one.
COG_KERNEL inline void cog_four_dots(
    const float *restrict weights, size_t stride, size_t columns, const float *restrict x,
    float *restrict output) {
  enum { LANES = 16 };
  float lanes[4][LANES] = {{0}};
  const size_t whole = columns / LANES * LANES;
  for (size_t i = 0; i < whole; i += LANES) {
    for (size_t row = 0; row < 4; row++) {
      const float *w = weights + row * stride + i;
      for (size_t j = 0; j < LANES; j++) lanes[row][j] = fmaf(w[j], x[i + j], lanes[row][j]);
    }
  }
  for (size_t row = 0; row < 4; row++) {
    const float *w = weights + row * stride;
    for (size_t i = whole; i < columns; i++) lanes[row][i - whole] = fmaf(w[i], x[i], lanes[row][i - whole]);
  }
  for (size_t row = 0; row < 4; row++) {
    float eight[8], four[4];
    for (size_t j = 0; j < 8; j++) eight[j] = lanes[row][j] + lanes[row][j + 8];
    for (size_t j = 0; j < 4; j++) four[j] = eight[j] + eight[j + 4];
    output[row] = (four[0] + four[2]) + (four[1] + four[3]);
  }
}

COG_KERNEL void cog_matvec_f32(
    const float *restrict weights, size_t stride, size_t rows, size_t columns, const float *restrict x,
    float *restrict output) {
  size_t row = 0;
  for (; row + 4 <= rows; row += 4) cog_four_dots(weights + row * stride, stride, columns, x, output + row);
  for (; row < rows; row++) {
    float lanes[COG_MATVEC_LANES] = {0};
    for (size_t i = 0; i < columns; i++) {
      const size_t lane = i % COG_MATVEC_LANES;
      lanes[lane] = fmaf(weights[row * stride + i], x[i], lanes[lane]);
    }
    output[row] = cog_sum_float_lanes(lanes);
  }
}

COG_KERNEL void cog_matvec_bf16(
    const void *restrict weights, size_t stride, size_t rows, size_t columns, const float *restrict x,
    float *restrict output) {
  const size_t whole = columns / COG_MATVEC_LANES * COG_MATVEC_LANES;
  for (size_t row = 0; row < rows; row++) {
    const uint8_t *w = (const uint8_t *)weights + row * stride * 2;
    float lanes[COG_MATVEC_LANES] = {0};
    for (size_t i = 0; i < whole; i += COG_MATVEC_LANES) {
      uint16_t halves[COG_MATVEC_LANES];
      memcpy(halves, w + i * 2, sizeof halves);
      for (size_t j = 0; j < COG_MATVEC_LANES; j++) {
        lanes[j] = fmaf(cog_float_of_bf16(halves[j]), x[i + j], lanes[j]);
      }
    }
    for (size_t i = whole; i < columns; i++) {
      uint16_t half;
      memcpy(&half, w + i * 2, sizeof half);
      lanes[i - whole] = fmaf(cog_float_of_bf16(half), x[i], lanes[i - whole]);
    }
    output[row] = cog_sum_float_lanes(lanes);
  }
}

COG_KERNEL void cog_add_weighted_rows(
    const float *restrict values, size_t stride, size_t count, size_t columns, const float *restrict weights,
    float *restrict output) {
  for (size_t first = 0; first < columns; first += COG_MATVEC_LANES) {
    const size_t width = columns - first < COG_MATVEC_LANES ? columns - first : COG_MATVEC_LANES;
    float sums[COG_MATVEC_LANES] = {0};
    for (size_t i = 0; i < count; i++) {
      const float *row = values + i * stride + first;
      if (width == COG_MATVEC_LANES) {
        for (size_t j = 0; j < COG_MATVEC_LANES; j++) sums[j] = fmaf(weights[i], row[j], sums[j]);
      } else {
        for (size_t j = 0; j < width; j++) sums[j] = fmaf(weights[i], row[j], sums[j]);
      }
    }
    for (size_t j = 0; j < width; j++) output[first + j] += sums[j];
  }
}

#endif
