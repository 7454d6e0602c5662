// The kernels in plain C: what every other instruction set is tested against.

#include "kernel_tables.h"

#define COG_KERNEL static

#include "plain_kernels.h"

/// Adds one group to the sums of 16 rows: activation scale * weight scale * (dot - zero * sum), with one
/// rounding of the scales' product and one of the sum.
static inline void cog_add_group(
    const int32_t *restrict dots, const int32_t *restrict zeros, const float *restrict weight_scales,
    float activation_scale, int32_t activation_sum, float *restrict sums) {
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    const float scale = activation_scale * weight_scales[r];
    sums[r] = fmaf(scale, (float)(dots[r] - zeros[r] * activation_sum), sums[r]);
  }
}

static inline void cog_store_rows(
    const float *sums, const float *bias, size_t first_row, size_t rows, float *output) {
  for (size_t r = 0; r < rows; r++) {
    output[first_row + r] = bias ? sums[r] + bias[first_row + r] : sums[r];
  }
}

static void cog_matmul_int4(
    const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel, const CogActivations *activations,
    const float *bias, float *output, size_t output_stride) {
  for (size_t panel = first_panel; panel < end_panel; panel++) {
    const uint8_t *bytes = cog_panel(matrix, panel);
    for (size_t token = 0; token < activations->tokens; token++) {
      float sums[COG_PANEL_ROWS] = {0};
      for (size_t group = 0; group < matrix->group_count; group++) {
        const size_t first = group * matrix->group_size;
        const uint8_t *line = bytes + matrix->header_bytes + first / 8 * COG_LINE_BYTES;
        const int8_t *x = activations->values + token * activations->stride + first;
        const size_t at = token * matrix->group_count + group;
        int32_t dots[COG_PANEL_ROWS] = {0}, zeros[COG_PANEL_ROWS];
        float scales[COG_PANEL_ROWS];
        for (size_t c = 0; c < cog_group_columns(matrix, group); c += 8, line += COG_LINE_BYTES) {
          for (size_t i = 0; i < COG_LINE_BYTES; i++) {
            dots[i / 4] += (line[i] & 15) * x[c + i % 4] + (line[i] >> 4) * x[c + 4 + i % 4];
          }
        }
        for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
          scales[r] = cog_panel_scale(bytes, group, r);
          zeros[r] = cog_panel_zero(matrix, bytes, group, r);
        }
        cog_add_group(dots, zeros, scales, activations->scales[at], activations->sums[at], sums);
      }
      cog_store_rows(
          sums, bias, panel * COG_PANEL_ROWS, cog_panel_rows(matrix, panel), output + token * output_stride);
    }
  }
}

static void cog_matmul_int8(
    const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel, const CogActivations *activations,
    const float *bias, float *output, size_t output_stride) {
  static const int32_t zeros[COG_PANEL_ROWS] = {0};
  for (size_t panel = first_panel; panel < end_panel; panel++) {
    const uint8_t *bytes = cog_panel(matrix, panel);
    for (size_t token = 0; token < activations->tokens; token++) {
      float sums[COG_PANEL_ROWS] = {0};
      for (size_t group = 0; group < matrix->group_count; group++) {
        const size_t first = group * matrix->group_size;
        const uint8_t *line = bytes + matrix->header_bytes + first / 4 * COG_LINE_BYTES;
        const int8_t *x = activations->values + token * activations->stride + first;
        const size_t at = token * matrix->group_count + group;
        int32_t dots[COG_PANEL_ROWS] = {0};
        float scales[COG_PANEL_ROWS];
        for (size_t c = 0; c < cog_group_columns(matrix, group); c += 4, line += COG_LINE_BYTES) {
          for (size_t i = 0; i < COG_LINE_BYTES; i++) dots[i / 4] += (int8_t)line[i] * x[c + i % 4];
        }
        for (size_t r = 0; r < COG_PANEL_ROWS; r++) scales[r] = cog_panel_scale(bytes, group, r);
        cog_add_group(dots, zeros, scales, activations->scales[at], activations->sums[at], sums);
      }
      cog_store_rows(
          sums, bias, panel * COG_PANEL_ROWS, cog_panel_rows(matrix, panel), output + token * output_stride);
    }
  }
}

const CogKernels cog_portable_kernels = COG_KERNEL_TABLE(COG_PORTABLE, "portable");
