// One row times a plain matrix, compiled like elementwise.h, which must stand before it. Memory-bound: each number
// of the matrix is read once, and sums are float32 in parts.

enum { COG_MATVEC_LANES = 32 };

COG_KERNEL inline float cog_sum_float_lanes(float *lanes) {
  for (size_t width = COG_MATVEC_LANES / 2; width > 0; width /= 2) {
    for (size_t i = 0; i < width; i++) lanes[i] += lanes[i + width];
  }
  return lanes[0];
}

COG_KERNEL void cog_matvec_f32(
    const float *restrict weights, size_t stride, size_t rows, size_t columns, const float *restrict x,
    float *restrict output) {
  const size_t whole = columns / COG_MATVEC_LANES * COG_MATVEC_LANES;
  for (size_t row = 0; row < rows; row++) {
    const float *w = weights + row * stride;
    float lanes[COG_MATVEC_LANES] = {0};
    for (size_t i = 0; i < whole; i += COG_MATVEC_LANES) {
      for (size_t j = 0; j < COG_MATVEC_LANES; j++) lanes[j] = fmaf(w[i + j], x[i + j], lanes[j]);
    }
    for (size_t i = whole; i < columns; i++) lanes[i - whole] = fmaf(w[i], x[i], lanes[i - whole]);
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

/// Keys that are summed up before the sum joins the others: it keeps long sums accurate.
enum { COG_KEYS_AT_ONCE = 256 };

COG_KERNEL void cog_weighted_sum(
    const float *restrict values, size_t stride, size_t count, size_t columns, const float *restrict weights,
    float *restrict output) {
  for (size_t first = 0; first < columns; first += COG_MATVEC_LANES) {
    const size_t width = columns - first < COG_MATVEC_LANES ? columns - first : COG_MATVEC_LANES;
    float totals[COG_MATVEC_LANES] = {0};
    for (size_t chunk = 0; chunk < count; chunk += COG_KEYS_AT_ONCE) {
      const size_t end = chunk + COG_KEYS_AT_ONCE < count ? chunk + COG_KEYS_AT_ONCE : count;
      float sums[COG_MATVEC_LANES] = {0};
      for (size_t i = chunk; i < end; i++) {
        const float *row = values + i * stride + first;
        if (width == COG_MATVEC_LANES) {
          for (size_t j = 0; j < COG_MATVEC_LANES; j++) sums[j] = fmaf(weights[i], row[j], sums[j]);
        } else {
          for (size_t j = 0; j < width; j++) sums[j] = fmaf(weights[i], row[j], sums[j]);
        }
      }
      for (size_t j = 0; j < COG_MATVEC_LANES; j++) totals[j] += sums[j];
    }
    memcpy(output + first, totals, width * sizeof(float));
  }
}
