// Conversions between float32 and the element types of files. Sources and destinations may be unaligned. A
// backend whose instructions convert F16 defines COG_HAS_HALF_CONVERSION.

#ifndef COG_CONVERSIONS_INL_H
#define COG_CONVERSIONS_INL_H

#include "base-inl.h"

/// The BF16 number next to `value`, half to even; NaN stays NaN, with its payload's upper bits.
COG_KERNEL inline uint16_t cog_bf16_of_float(float value) {
  const uint32_t bits = cog_bits_of_float(value);
  const uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  const uint32_t quiet = (bits >> 16) | 0x40;
  return (uint16_t)((bits & 0x7FFFFFFF) > 0x7F800000 ? quiet : rounded);
}

COG_KERNEL inline float cog_float_of_bf16(uint16_t half) { return cog_float_of_bits((uint32_t)half << 16); }

/// F16 to float32, exact; a signaling NaN becomes quiet, as F16C does it.
COG_KERNEL inline float cog_float_of_f16(uint16_t half) {
  const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7FFF;
  // A subnormal is magnitude * 2^-24: exact in float32.
  const uint32_t subnormal = cog_bits_of_float((float)(int32_t)magnitude * 0x1p-24f);
  const uint32_t normal = (magnitude << 13) + (112u << 23);
  const uint32_t special = 0x7F800000 | magnitude << 13 | (magnitude > 0x7C00 ? 0x400000 : 0);
  return cog_float_of_bits(sign | (magnitude < 0x400 ? subnormal : magnitude < 0x7C00 ? normal : special));
}

#if defined(COG_HAS_HALF_CONVERSION)
#define COG_FLOAT_OF_HALF(half) cog_float_of_half_type(half)
COG_KERNEL inline float cog_float_of_half_type(uint16_t bits) {
  _Float16 half;
  memcpy(&half, &bits, sizeof half);
  return (float)half;
}
#else
#define COG_FLOAT_OF_HALF(half) cog_float_of_f16(half)
#endif

/// `count` (a constant, or fewer than the lanes: the others become 0) numbers as floats.
COG_INLINE void cog_widen(const uint16_t *restrict halves, size_t count, cog_lanes *restrict lanes) {
  float floats[COG_LANES] = {0};
  for (size_t i = 0; i < count; i++) floats[i] = COG_FLOAT_OF_HALF(halves[i]);
  memcpy(lanes, floats, sizeof floats);
}

/// Float32 to F16, half to even; beyond the range infinity, NaN stays NaN.
COG_KERNEL inline uint16_t cog_f16_of_float(float value) {
  const uint32_t bits = cog_bits_of_float(value);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  // Below 2^-14 halves are multiples of 2^-24, as float32 numbers from 0.5 to 1 are.
  const float small = cog_float_of_bits(magnitude < 0x38800000 ? magnitude : 0);
  const uint32_t subnormal = cog_bits_of_float(small + 0.5f) - cog_bits_of_float(0.5f);
  const uint32_t normal = (magnitude + 0xFFF + ((magnitude >> 13) & 1) - (112u << 23)) >> 13;
  const uint32_t nan = 0x7E00 | ((magnitude >> 13) & 0x1FF);
  const uint32_t half = magnitude < 0x38800000   ? subnormal
                        : magnitude < 0x477FF000 ? normal
                        : magnitude > 0x7F800000 ? nan
                                                 : 0x7C00;
  return (uint16_t)(sign | half);
}

/// Defines a loop that converts `count` elements of `Type` to float32.
#define COG_TO_FLOAT(name, Type, expression)                                                                 \
  COG_KERNEL void name(const uint8_t *restrict source, float *restrict destination, size_t count) {          \
    for (size_t i = 0; i < count; i++) {                                                                     \
      Type value;                                                                                            \
      memcpy(&value, source + i * sizeof value, sizeof value);                                               \
      const float converted = (expression);                                                                  \
      memcpy((uint8_t *)destination + i * sizeof converted, &converted, sizeof converted);                   \
    }                                                                                                        \
  }

COG_TO_FLOAT(cog_float_of_f64s, double, (float)value)
COG_TO_FLOAT(cog_float_of_bf16s, uint16_t, cog_float_of_bf16(value))
COG_TO_FLOAT(cog_float_of_f16s, uint16_t, cog_float_of_f16(value))
COG_TO_FLOAT(cog_float_of_bools, uint8_t, value != 0 ? 1.0f : 0.0f)
COG_TO_FLOAT(cog_float_of_u8s, uint8_t, (float)value)
COG_TO_FLOAT(cog_float_of_i8s, int8_t, (float)value)
COG_TO_FLOAT(cog_float_of_u16s, uint16_t, (float)value)
COG_TO_FLOAT(cog_float_of_i16s, int16_t, (float)value)
COG_TO_FLOAT(cog_float_of_u32s, uint32_t, (float)value)
COG_TO_FLOAT(cog_float_of_i32s, int32_t, (float)value)
COG_TO_FLOAT(cog_float_of_u64s, uint64_t, (float)value)
COG_TO_FLOAT(cog_float_of_i64s, int64_t, (float)value)

COG_KERNEL CogStatus cog_to_float(CogElementType type, const void *source, float *destination, size_t count) {
  switch (type) {
    case COG_F32: memmove(destination, source, count * sizeof(float)); return COG_OK;
    case COG_F64: cog_float_of_f64s(source, destination, count); return COG_OK;
    case COG_F16: cog_float_of_f16s(source, destination, count); return COG_OK;
    case COG_BF16: cog_float_of_bf16s(source, destination, count); return COG_OK;
    case COG_BOOL: cog_float_of_bools(source, destination, count); return COG_OK;
    case COG_U8: cog_float_of_u8s(source, destination, count); return COG_OK;
    case COG_I8: cog_float_of_i8s(source, destination, count); return COG_OK;
    case COG_U16: cog_float_of_u16s(source, destination, count); return COG_OK;
    case COG_I16: cog_float_of_i16s(source, destination, count); return COG_OK;
    case COG_U32: cog_float_of_u32s(source, destination, count); return COG_OK;
    case COG_I32: cog_float_of_i32s(source, destination, count); return COG_OK;
    case COG_U64: cog_float_of_u64s(source, destination, count); return COG_OK;
    case COG_I64: cog_float_of_i64s(source, destination, count); return COG_OK;
  }
  return COG_BAD_ARGUMENT;
}

/// Defines a loop that converts `count` float32 to `Type`.
#define COG_FROM_FLOAT(name, Type, expression)                                                               \
  COG_KERNEL void name(const float *restrict source, uint8_t *restrict destination, size_t count) {          \
    for (size_t i = 0; i < count; i++) {                                                                     \
      float value;                                                                                           \
      memcpy(&value, (const uint8_t *)source + i * sizeof value, sizeof value);                              \
      const Type converted = (expression);                                                                   \
      memcpy(destination + i * sizeof converted, &converted, sizeof converted);                              \
    }                                                                                                        \
  }

COG_FROM_FLOAT(cog_f64s_of_float, double, (double)value)
COG_FROM_FLOAT(cog_f16s_of_float, uint16_t, cog_f16_of_float(value))
COG_FROM_FLOAT(cog_bf16s_of_float, uint16_t, cog_bf16_of_float(value))

COG_KERNEL CogStatus
cog_from_float(CogElementType type, const float *source, void *destination, size_t count) {
  switch (type) {
    case COG_F32: memmove(destination, source, count * sizeof(float)); return COG_OK;
    case COG_F64: cog_f64s_of_float(source, destination, count); return COG_OK;
    case COG_F16: cog_f16s_of_float(source, destination, count); return COG_OK;
    case COG_BF16: cog_bf16s_of_float(source, destination, count); return COG_OK;
    default: return COG_BAD_ARGUMENT;
  }
}

#endif
