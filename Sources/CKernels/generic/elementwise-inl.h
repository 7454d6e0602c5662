// Rows of numbers: activation functions, norms, softmax.

#ifndef COG_ELEMENTWISE_INL_H
#define COG_ELEMENTWISE_INL_H

#include "conversions-inl.h"

/// exp(x) within 1.1 units in the last place: x = n ln 2 + r, |r| <= ln 2 / 2, and a polynomial fitted to
/// (exp(r) - 1 - r) / r^2 by iterated weighted least squares (relative error 3.4e-9).
COG_KERNEL inline float cog_exp(float x) {
  x = x < -104.0f ? -104.0f : x;
  x = x > 89.0f ? 89.0f : x;
  const float shifted = fmaf(x, 0x1.715476p+0f, cog_rounder);
  const float n = shifted - cog_rounder;
  float r = fmaf(n, -0x1.62e400p-1f, x);
  r = fmaf(n, -0x1.7f7d1cp-20f, r);
  float p = 0x1.6dbc64p-10f;
  p = fmaf(p, r, 0x1.124148p-7f);
  p = fmaf(p, r, 0x1.555454p-5f);
  p = fmaf(p, r, 0x1.555486p-3f);
  p = fmaf(p, r, 0x1.000000p-1f);
  p = fmaf(r * r, p, r) + 1.0f;
  // 2^n in two factors: n goes down to -150, below the normal range.
  const int32_t exponent = (int32_t)(cog_bits_of_float(shifted) - cog_bits_of_float(cog_rounder));
  const int32_t half = exponent >> 1;
  const float first = cog_float_of_bits((uint32_t)(half + 127) << 23);
  const float second = cog_float_of_bits((uint32_t)(exponent - half + 127) << 23);
  return p * first * second;
}

/// erf(x) within 1.3 units in the last place: an odd polynomial near 0, 1 - exp(-g(|x|)) with g fitted to
/// -log(erfc) from 0.9 to 4, and +-1 beyond.
COG_KERNEL inline float cog_erf(float x) {
  const float t = fabsf(x);
  const float z = x * x;
  float s = -0x1.34a2f0p-11f;
  s = fmaf(s, z, 0x1.45eb0ep-8f);
  s = fmaf(s, z, -0x1.b6539ep-6f);
  s = fmaf(s, z, 0x1.ce16c0p-4f);
  s = fmaf(s, z, -0x1.8126d0p-2f);
  s = fmaf(s, z, 0x1.06eba6p-3f);
  const float near_zero = fmaf(s, x, x);
  const float u = t > 4.0f ? 4.0f : t;
  float g = 0x1.5ecddcp-16f;
  g = fmaf(g, u, -0x1.c54d74p-12f);
  g = fmaf(g, u, 0x1.10aa10p-8f);
  g = fmaf(g, u, -0x1.9b195ep-6f);
  g = fmaf(g, u, 0x1.bb5652p-4f);
  g = fmaf(g, u, 0x1.444b42p-1f);
  g = fmaf(g, u, 0x1.212698p+0f);
  g = fmaf(g, u, -0x1.65ac6cp-13f);
  const float tail = copysignf(1.0f - cog_exp(-g), x);
  return t < 0.921875f || x != x ? near_zero : tail;
}

COG_KERNEL void cog_gelu(float *restrict x, size_t count) {
  for (size_t i = 0; i < count; i++) { x[i] = x[i] * 0.5f * (1.0f + cog_erf(x[i] * 0x1.6a09e6p-1f)); }
}

/// GELU within 4e-5 |x|: what the normal distribution adds to 1/2 as an odd polynomial of degree 17, fitted
/// up to 4.4, where it leaves less of 1 than its error.
COG_KERNEL void cog_approximate_gelu(float *restrict x, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float t = x[i] < -4.4f ? -4.4f : x[i];
    t = t > 4.4f ? 4.4f : t;
    const float z = t * t;
    float p = 0x1.8615bcp-35f;
    p = fmaf(p, z, -0x1.34cef6p-28f);
    p = fmaf(p, z, 0x1.ae3774p-23f);
    p = fmaf(p, z, -0x1.5ea002p-18f);
    p = fmaf(p, z, 0x1.78a682p-14f);
    p = fmaf(p, z, -0x1.1dcd02p-10f);
    p = fmaf(p, z, 0x1.400e82p-7f);
    p = fmaf(p, z, -0x1.0f835ep-4f);
    p = fmaf(p, z, 0x1.9874d2p-2f);
    float share = fmaf(p, t, 0.5f);
    share = share < 0 ? 0 : share;
    x[i] *= share > 1 ? 1 : share;
  }
}

COG_KERNEL void cog_silu(float *restrict x, size_t count) {
  for (size_t i = 0; i < count; i++) { x[i] = x[i] / (1.0f + cog_exp(-x[i])); }
}

COG_KERNEL void cog_add(float *restrict x, const float *restrict y, size_t count) {
  for (size_t i = 0; i < count; i++) x[i] += y[i];
}

COG_KERNEL void cog_multiply(float *restrict x, const float *restrict y, size_t count) {
  for (size_t i = 0; i < count; i++) x[i] *= y[i];
}

COG_KERNEL void cog_divide(float *restrict x, float divisor, size_t count) {
  for (size_t i = 0; i < count; i++) x[i] /= divisor;
}

COG_KERNEL void cog_round_to_bf16(float *restrict values, size_t count) {
  for (size_t i = 0; i < count; i++) values[i] = cog_float_of_bf16(cog_bf16_of_float(values[i]));
}

/// torch.nn.functional.layer_norm of one row, in double until the result is rounded.
COG_KERNEL void cog_layer_norm(
    const float *restrict x, const float *restrict weight, const float *restrict bias, float epsilon,
    float *restrict output, size_t count) {
  double lanes[COG_LANES] = {0};
  const size_t whole = count / COG_LANES * COG_LANES;
  for (size_t i = 0; i < whole; i += COG_LANES) {
    for (size_t j = 0; j < COG_LANES; j++) lanes[j] += (double)x[i + j];
  }
  for (size_t i = whole; i < count; i++) lanes[i - whole] += (double)x[i];
  const double mean = cog_sum_lanes(lanes) / (double)count;
  memset(lanes, 0, sizeof lanes);
  for (size_t i = 0; i < whole; i += COG_LANES) {
    for (size_t j = 0; j < COG_LANES; j++) {
      const double centered = (double)x[i + j] - mean;
      lanes[j] += centered * centered;
    }
  }
  for (size_t i = whole; i < count; i++) {
    const double centered = (double)x[i] - mean;
    lanes[i - whole] += centered * centered;
  }
  const double inverse = 1.0 / sqrt(cog_sum_lanes(lanes) / (double)count + (double)epsilon);
  for (size_t i = 0; i < count; i++) {
    output[i] = (float)(((double)x[i] - mean) * inverse * (double)weight[i] + (double)bias[i]);
  }
}

/// LlamaRMSNorm of one row: x * rsqrt(mean(x^2) + epsilon), then * weight, both products in float32.
COG_KERNEL void cog_rms_norm(
    const float *restrict x, const float *restrict weight, float epsilon, float *restrict output,
    size_t count) {
  double lanes[COG_LANES] = {0};
  const size_t whole = count / COG_LANES * COG_LANES;
  for (size_t i = 0; i < whole; i += COG_LANES) {
    for (size_t j = 0; j < COG_LANES; j++) lanes[j] += (double)x[i + j] * (double)x[i + j];
  }
  for (size_t i = whole; i < count; i++) lanes[i - whole] += (double)x[i] * (double)x[i];
  const float inverse = (float)(1.0 / sqrt(cog_sum_lanes(lanes) / (double)count + (double)epsilon));
  for (size_t i = 0; i < count; i++) output[i] = x[i] * inverse * weight[i];
}

COG_KERNEL float cog_softmax(float *restrict scores, size_t count, float scale, bool round_weights) {
  const size_t whole = count / COG_LANES * COG_LANES;
  float maxima[COG_LANES];
  for (size_t j = 0; j < COG_LANES; j++) maxima[j] = -INFINITY;
  for (size_t i = 0; i < whole; i += COG_LANES) {
    for (size_t j = 0; j < COG_LANES; j++) {
      const float score = scores[i + j] * scale;
      scores[i + j] = score;
      maxima[j] = score > maxima[j] ? score : maxima[j];
    }
  }
  for (size_t i = whole; i < count; i++) {
    scores[i] *= scale;
    maxima[0] = scores[i] > maxima[0] ? scores[i] : maxima[0];
  }
  float maximum = maxima[0];
  for (size_t j = 1; j < COG_LANES; j++) maximum = maxima[j] > maximum ? maxima[j] : maximum;
  double lanes[COG_LANES] = {0};
  for (size_t i = 0; i < whole; i += COG_LANES) {
    for (size_t j = 0; j < COG_LANES; j++) {
      const float weight = cog_exp(scores[i + j] - maximum);
      scores[i + j] = weight;
      lanes[j] += (double)weight;
    }
  }
  for (size_t i = whole; i < count; i++) {
    scores[i] = cog_exp(scores[i] - maximum);
    lanes[i - whole] += (double)scores[i];
  }
  if (round_weights) cog_round_to_bf16(scores, count);
  return (float)cog_sum_lanes(lanes);
}

#endif
