// Kernels that take rows of numbers, beside the portable ones: some of the numbers are NaN or infinite, and
// bytes of files begin at odd addresses.

#ifndef COG_COMPARE_ROWS_H
#define COG_COMPARE_ROWS_H

#include "twins.h"

/// Random numbers, of which every `period`th is NaN, infinite, 0 or tiny.
static void fill_with_odd_ones(float *values, size_t count, size_t period) {
  const float odd[] = {NAN, INFINITY, -INFINITY, 0, -0.0f, 1e-42f, -3e38f};
  for (size_t i = 0; i < count; i++) {
    values[i] = next_word() % period == 0 ? odd[next_word() % 7] : next_float() * 9;
  }
}

/// Every element type from and to float32, at odd addresses.
static void try_conversions(Set set, size_t count) {
  enum { COUNT = 300 };
  static uint8_t bytes[8 * COUNT + 1], back[2][8 * COUNT + 1];
  static float floats[COUNT], outputs[2][COUNT];
  const CogKernels *const both[] = {set.backend->kernels, portable().backend->kernels};
  for (int type = COG_F32; type <= COG_I64; type++) {
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)next_word();
    for (size_t i = 1; type == COG_BOOL && i < sizeof bytes; i++) bytes[i] %= 2;
    for (size_t k = 0; k < 2; k++) both[k]->to_float((CogElementType)type, bytes + 1, outputs[k], count);
    compare_floats(set.name, "to_float", outputs[0], outputs[1], count);
    fill_with_odd_ones(floats, count, 5);
    // Which NaN is written is not promised.
    for (size_t i = 0; i < count; i++) floats[i] = isnan(floats[i]) ? 1 : floats[i];
    CogStatus status[2];
    memset(back, 0, sizeof back);
    for (size_t k = 0; k < 2; k++)
      status[k] = both[k]->from_float((CogElementType)type, floats, back[k] + 1, count);
    compare(set.name, "the status of from_float", &status[0], &status[1], sizeof *status);
    compare(set.name, "from_float", back[0], back[1], sizeof *back);
  }
}

/// All bit patterns of both halves.
static void try_halves(Set set) {
  static uint16_t halves[65536];
  static float outputs[2][65536];
  const CogKernels *const both[] = {set.backend->kernels, portable().backend->kernels};
  for (size_t i = 0; i < 65536; i++) halves[i] = (uint16_t)i;
  for (int type = COG_F16; type <= COG_BF16; type++) {
    for (size_t k = 0; k < 2; k++) both[k]->to_float((CogElementType)type, halves, outputs[k], 65536);
    compare(set.name, "to_float of all halves", outputs[0], outputs[1], sizeof *outputs);
  }
}

/// The activation functions, and what rounding to 8 bits leaves out.
static void try_elements(Set set, size_t count) {
  enum { COUNT = 300 };
  static float input[COUNT], outputs[2][4][COUNT];
  const CogKernels *const both[] = {set.backend->kernels, portable().backend->kernels};
  for (size_t i = 0; i < count; i++) input[i] = next_float() * 9;
  for (size_t k = 0; k < 2; k++) {
    for (size_t i = 0; i < 4; i++) memcpy(outputs[k][i], input, sizeof input);
    both[k]->gelu(outputs[k][0], count);
    both[k]->approximate_gelu(outputs[k][1], count);
    both[k]->silu(outputs[k][2], count);
    both[k]->rounding_residual(input, count, 64, outputs[k][3]);
  }
  compare(set.name, "an activation function", outputs[0], outputs[1], sizeof outputs[0]);
}

/// Norms, sums, products, softmax and rounding of a row.
static void try_norms(Set set, size_t count, size_t period) {
  enum { COUNT = 300, OUTPUTS = 8 };
  static float x[COUNT], weight[COUNT], bias[COUNT], outputs[2][OUTPUTS][COUNT];
  const CogKernels *const both[] = {set.backend->kernels, portable().backend->kernels};
  fill_with_odd_ones(x, count, period), fill(weight, count), fill(bias, count);
  for (size_t k = 0; k < 2; k++) {
    float (*own)[COUNT] = outputs[k];
    for (size_t i = 0; i < OUTPUTS; i++) memcpy(own[i], x, sizeof x);
    both[k]->layer_norm(x, weight, bias, 1e-6f, own[0], count);
    both[k]->rms_norm(x, weight, 1e-5f, own[1], count);
    both[k]->add(own[2], weight, count);
    both[k]->multiply(own[3], weight, count);
    both[k]->divide(own[4], 3, count);
    both[k]->round_to_bf16(own[5], count);
    own[6][0] = both[k]->softmax(own[7], count, 0.7f, count % 2 == 0);
  }
  const char *const names[OUTPUTS] = {"layer_norm", "rms_norm",      "add",           "multiply",
                                      "divide",     "round_to_bf16", "softmax's sum", "softmax"};
  for (size_t i = 0; i < OUTPUTS; i++)
    compare_floats(set.name, names[i], outputs[0][i], outputs[1][i], count);
}

/// A row times plain matrices, and rows weighed.
static void try_matrices(Set set, size_t rows, size_t columns) {
  enum { ROWS = 21, COLUMNS = 300, STRIDE = COLUMNS + 3 };
  static float weights[ROWS * STRIDE], x[COLUMNS], outputs[2][3][COLUMNS];
  static uint8_t halves[ROWS * STRIDE * 2 + 1];
  const CogKernels *const both[] = {set.backend->kernels, portable().backend->kernels};
  fill_with_odd_ones(weights, ROWS * STRIDE, 5000), fill(x, columns);
  portable().backend->kernels->from_float(COG_BF16, weights, halves + 1, ROWS * STRIDE);
  memset(outputs, 0, sizeof outputs);
  for (size_t k = 0; k < 2; k++) {
    both[k]->matvec_f32(weights, STRIDE, rows, columns, x, outputs[k][0]);
    both[k]->matvec_bf16(halves + 1, STRIDE, rows, columns, x, outputs[k][1]);
    both[k]->add_weighted_rows(weights, STRIDE, rows, columns, x, outputs[k][2]);
  }
  const char *const names[] = {"matvec_f32", "matvec_bf16", "add_weighted_rows"};
  for (size_t i = 0; i < 3; i++) compare_floats(set.name, names[i], outputs[0][i], outputs[1][i], COLUMNS);
}

/// Makes the NaN of a result one and the same.
static void settle(double *numbers, size_t count) {
  for (size_t i = 0; i < count; i++) numbers[i] = isnan(numbers[i]) ? (double)NAN : numbers[i];
}

/// What stats and diff count, at odd addresses.
static void try_statistics(Set set, size_t count, size_t group_size, size_t period) {
  enum { COUNT = 300 };
  static float a[COUNT], b[COUNT];
  static uint8_t bytes[2][4 * COUNT + 1];
  static uint32_t counts[2][2 * COG_FLOAT_BINS];
  static int32_t columns[2][COUNT], maxima[2][2];
  static int16_t half_columns[2][COUNT];
  const CogStatisticsKernels *const both[] = {set.backend->statistics, portable().backend->statistics};
  CogFloatSummary summaries[2];
  CogDifference differences[2];
  fill_with_odd_ones(a, count, period), fill_with_odd_ones(b, count, period);
  memcpy(bytes[0] + 1, a, sizeof a), memcpy(bytes[1] + 1, b, sizeof b);
  memset(counts, 0, sizeof counts), memset(columns, 0, sizeof columns);
  memset(half_columns, 0, sizeof half_columns), memset(summaries, 0, sizeof summaries);
  memset(differences, 0, sizeof differences);
  for (size_t k = 0; k < 2; k++) {
    both[k]->count_halves(bytes[0] + 1, 2 * count, counts[k]);
    both[k]->count_floats(bytes[0] + 1, count, counts[k]);
    maxima[k][0] = both[k]->half_maximum(bytes[0] + 1, count, 0x7C00, half_columns[k]);
    maxima[k][1] = both[k]->float_maximum(bytes[0] + 1, count, 0x7F800000, columns[k]);
    const CogFloatSummary summary = both[k]->summarize_floats(bytes[0] + 1, count);
    summaries[k].moments = summary.moments;
    settle(&summaries[k].moments.mean, 4);
    summaries[k].minimum = summary.minimum, summaries[k].maximum = summary.maximum;
    summaries[k].zeros = summary.zeros, summaries[k].infinities = summary.infinities;
    summaries[k].low_bits = summary.low_bits;
    for (size_t call = 0; call < 2; call++) {
      both[k]->compare(bytes[0] + 1, bytes[1] + 1, count, group_size, &differences[k]);
    }
  }
  for (size_t i = 0; i < COG_FLOAT_BINS; i++) {
    for (size_t k = 0; k < 2; k++) counts[k][i] += counts[k][COG_FLOAT_BINS + i];
  }
  compare(set.name, "count_halves or count_floats", counts[0], counts[1], COG_FLOAT_BINS * sizeof **counts);
  compare(set.name, "a maximum", maxima[0], maxima[1], sizeof *maxima);
  compare(set.name, "half_maximum's columns", half_columns[0], half_columns[1], sizeof *half_columns);
  compare(set.name, "float_maximum's columns", columns[0], columns[1], sizeof *columns);
  compare(set.name, "summarize_floats", &summaries[0], &summaries[1], sizeof *summaries);
  compare(set.name, "compare", &differences[0], &differences[1], sizeof *differences);
}

/// All of them, of sizes that are no multiples of anything; now and then without any odd number.
static void try_rows(Set set) {
  const size_t count = 1 + next_word() % 300, period = next_word() % 3 ? 40 : 1 << 30;
  try_elements(set, count);
  try_conversions(set, count);
  try_norms(set, count, period);
  try_matrices(set, 1 + next_word() % 21, count);
  try_statistics(set, count, 1 + next_word() % 70, period);
}

#endif
