// One token times plain weights, compiled like elementwise.h, which must stand before it. Memory-bound: each
// weight is read once, and the sums are float32 in 32 partial sums per row.

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
