// Holds every instruction set of this processor to the portable kernels, bit for bit: random matrices of
// sizes that are no multiples of anything, quantized, read back and multiplied; attention; rows of numbers.
// Built and run by Tools/test_neon. With --list names the instruction sets.

#include "attention.h"
#include "matrices.h"
#include "rows.h"

enum { LARGEST_ROWS = 150, LARGEST_COLUMNS = 4300, LARGEST_TOKENS = 49, MOST_EDGE_TOKENS = 26 };

/// What a backend makes of one matrix and its activations.
typedef struct Results {
  uint8_t *memory, *panels;  // at an odd address
  float *weights;
  float *products;
} Results;

/// Gives the groups of a matrix any zero points, also such as no quantizer writes.
static void spoil_zeros(CogPanelMatrix matrix, uint8_t *panels) {
  for (size_t panel = 0; panel < (matrix.rows + 15) / 16; panel++) {
    for (size_t group = 0; group < matrix.group_count; group++) {
      uint8_t *zeros =
          panels + panel * matrix.panel_bytes + group / 4 * matrix.block_bytes + 128 + group % 4 * 16;
      for (size_t row = 0; row < 16; row++) zeros[row] = (uint8_t)(panel * 31 + group * 57 + row * 13);
    }
  }
}

/// Quantizes, reads back, and multiplies with bias.
static Results run(
    Set set, CogPanelMatrix matrix, bool is_spoiled, CogScaleChoice way, const float *importance,
    size_t columns, const float *weights, const float *x, size_t tokens, const float *bias) {
  const CogKernels *kernels = set.backend->kernels;
  const size_t panels = (matrix.rows + 15) / 16;
  Results results = {
      malloc(panels * matrix.panel_bytes + 1), NULL, calloc(matrix.rows * columns, sizeof(float)),
      calloc(tokens * matrix.rows, sizeof(float))};
  results.panels = results.memory + 1;
  for (size_t panel = 0; panel < panels; panel++) {
    const size_t left = matrix.rows - panel * 16;
    CogPanelError error;
    const CogStatus status = kernels->quantize(
        &matrix, way, importance, weights + panel * 16 * columns, columns, left < 16 ? left : 16, columns,
        results.panels + panel * matrix.panel_bytes, &error);
    if (status != COG_OK) failures++, printf("%s: quantizing failed\n", set.name);
  }
  if (is_spoiled) spoil_zeros(matrix, results.panels);
  matrix.panels = results.panels;
  kernels->dequantize(&matrix, 0, matrix.rows, columns, results.weights, columns);
  const CogProduct *product =
      cog_product(set.backend, set.with_option, matrix.bits, matrix.group_size, tokens);
  // What is not written must not matter.
  const size_t tile_bytes = tokens * matrix.group_count * cog_token_bytes(matrix.group_size);
  uint8_t *tiles = memset(malloc(tile_bytes), 0x5A, tile_bytes);
  prepare_tiles(product, &matrix, x, tokens, columns, tiles);
  void *scratch = make_scratch(product);
  if (scratch) memset(scratch, 0x5A, product->scratch_bytes);
  const CogOperands operands = {matrix, 0, panels, {tiles, tokens, product->tile_tokens}, bias, scratch};
  product->multiply(&operands, results.products, matrix.rows);
  free(scratch);
  free(tiles);
  return results;
}

static void release(Results results) { free(results.memory), free(results.weights), free(results.products); }

static void try_sizes(Set set, size_t rows, size_t columns, size_t tokens, size_t group_size, int is_int4) {
  static float weights[LARGEST_ROWS * LARGEST_COLUMNS], x[LARGEST_TOKENS * LARGEST_COLUMNS],
      bias[LARGEST_ROWS], squares[LARGEST_COLUMNS];
  for (size_t i = 0; i < rows * columns; i++) weights[i] = next_float();
  for (size_t i = 0; i < tokens * columns; i++) x[i] = next_float();
  for (size_t i = 0; i < rows; i++) bias[i] = next_float();
  const CogPanelMatrix matrix = make_matrix(rows, columns, group_size, is_int4);
  const CogScaleChoice way = next_word() % 2 ? COG_LEAST_SQUARES : COG_ABSMAX;
  for (size_t i = 0; i < columns; i++) squares[i] = x[i] * x[i];
  const float *importance = next_word() % 2 ? squares : NULL;
  // The paired products put a weight less its zero point and an activation into one byte, so that they take
  // the format's zero points only.
  const bool is_spoiled = is_int4 && next_word() % 4 == 0 && strcmp(set.name, "avx512-pairs") != 0;
  const Results own = run(set, matrix, is_spoiled, way, importance, columns, weights, x, tokens, bias);
  const Results twin =
      run(portable(), matrix, is_spoiled, way, importance, columns, weights, x, tokens, bias);
  compare(set.name, "quantize", own.panels, twin.panels, (rows + 15) / 16 * matrix.panel_bytes);
  compare(set.name, "dequantize", own.weights, twin.weights, rows * columns * sizeof(float));
  compare(set.name, "matmul", own.products, twin.products, tokens * rows * sizeof(float));
  release(own), release(twin);
}

/// Rounds the last columns of a few rows with feedback, the scales anything.
static void try_feedback(Set set, size_t rows, size_t count, unsigned bits) {
  enum { ROWS = 16, COUNT = COG_FEEDBACK_COLUMNS, GROUPS = 3 };
  static float weights[ROWS * COUNT], sums[ROWS * COUNT], factor[COUNT * COUNT], scales[ROWS * GROUPS];
  static float errors[2][ROWS * COUNT];
  static int8_t codes[2][ROWS * COUNT];
  static uint8_t zeros[ROWS * GROUPS];
  static uint32_t columns[COUNT], groups[COUNT];
  const CogKernels *const both[] = {set.backend->kernels, portable().backend->kernels};
  for (size_t i = 0; i < rows * count; i++) weights[i] = next_float(), sums[i] = 0.1f * next_float();
  for (size_t i = 0; i < count * count; i++) factor[i] = i % (count + 1) ? next_float() : 4.0f;
  for (size_t i = 0; i < ROWS * GROUPS; i++) {
    scales[i] = i % 7 ? 0.0625f * (float)(1 + next_word() % 3) : 0;
    zeros[i] = (uint8_t)(bits == 4 ? next_word() % 16 : 0);
  }
  for (size_t i = 0; i < count; i++) {
    columns[i] = (uint32_t)(count - 1 - i);
    groups[i] = next_word() % GROUPS;
  }
  for (size_t k = 0; k < 2; k++) {
    const CogFeedbackBlock block = {
        .bits = bits,
        .rows = rows,
        .count = count,
        .weights = weights,
        .weight_stride = count,
        .sums = sums,
        .sum_stride = count,
        .factor = factor,
        .factor_stride = count,
        .groups = groups,
        .scales = scales,
        .zeros = zeros,
        .group_count = GROUPS,
        .columns = columns,
        .codes = codes[k],
        .code_stride = count,
        .errors = errors[k],
        .error_stride = count};
    if (both[k]->round_with_feedback(&block) != COG_OK) failures++, printf("%s: feedback failed\n", set.name);
  }
  compare(set.name, "round_with_feedback", codes[0], codes[1], rows * count);
  compare(set.name, "errors of feedback", errors[0], errors[1], rows * count * sizeof(float));
}

/// Packs codes that somebody else has found, in a panel that may not be full.
static void try_pack(Set set, size_t rows, size_t columns, size_t group_size, int is_int4) {
  enum { ROWS = 16, COLUMNS = 300, GROUPS = (COLUMNS + 31) / 32, PANEL = 8192 };
  static int8_t codes[ROWS * COLUMNS];
  static uint8_t zeros[ROWS * GROUPS], panels[2][PANEL];
  static float scales[ROWS * GROUPS];
  const CogKernels *const both[] = {set.backend->kernels, portable().backend->kernels};
  const CogPanelMatrix matrix = make_matrix(rows, columns, group_size, is_int4);
  for (size_t i = 0; i < rows * columns; i++) {
    codes[i] = (int8_t)(is_int4 ? next_word() % 16 : next_word() % 255 - 127);
  }
  for (size_t i = 0; i < rows * matrix.group_count; i++) {
    scales[i] = (float)(next_word() % 9) * 0.125f;
    zeros[i] = (uint8_t)(next_word() % 16);
  }
  const CogPanelCodes source = {codes, scales, is_int4 ? zeros : NULL, rows, columns};
  memset(panels, 0x5A, sizeof panels);
  for (size_t k = 0; k < 2; k++) {
    if (both[k]->pack(&matrix, &source, panels[k]) != COG_OK)
      failures++, printf("%s: pack failed\n", set.name);
  }
  compare(set.name, "pack", panels[0], panels[1], PANEL);
}

/// Every number of tokens up to some tiles of each product of a set, with rows and columns around the edges
/// of panels, groups and blocks.
static void try_edges(Set set) {
  const size_t rows[] = {1, 15, 16, 17, 33}, group_sizes[] = {32, 64, 128};
  for (size_t tokens = 1; tokens <= MOST_EDGE_TOKENS; tokens++) {
    for (size_t i = 0; i < 6; i++) {
      const size_t group_size = group_sizes[i % 3], choice = next_word() % 8;
      const size_t columns[] = {
          1, 7, 9, group_size - 1, group_size, group_size + 9, 3 * group_size + 23, 4096 + group_size + 8};
      try_sizes(set, rows[next_word() % 5], columns[choice], tokens, group_size, i < 3);
    }
  }
}

static void try_all(Set set) {
  const size_t groups[] = {32, 64, 128};
  try_edges(set);
  for (size_t i = 0; i < 12; i++)
    try_feedback(set, 1 + i * 5 % 16, 1 + i * 23 % COG_FEEDBACK_COLUMNS, i % 2 ? 4 : 8);
  try_feedback(set, 16, COG_FEEDBACK_COLUMNS, 4);
  try_halves(set);
  // More panels than fit a block of as many columns.
  for (int is_int4 = 0; is_int4 < 2; is_int4++) try_sizes(set, LARGEST_ROWS - 3, 4090, 34, 64, is_int4);
  for (int round = 0; round < 60; round++) {
    // Now and then more columns than a product takes at once.
    const size_t most_columns = round % 8 ? 700 : LARGEST_COLUMNS;
    try_sizes(
        set, 1 + next_word() % 70, 1 + next_word() % most_columns, 1 + next_word() % LARGEST_TOKENS,
        groups[round % 3], round / 3 % 2);
    try_attention(set, 1 + next_word() % 40, 1 + next_word() % 140, 1 + next_word() % 9);
    const size_t keys = 1 + next_word() % 80;
    try_blocks(set, 1 + next_word() % keys, keys, 1 + next_word() % 140, 1 + next_word() % 4);
    try_rows(set);
    try_pack(set, 1 + next_word() % 16, 1 + next_word() % 300, groups[round % 3], round / 3 % 2);
  }
  printf("%s: compared with the portable kernels\n", set.name);
}

/// The names of the backends that run here, in one line.
static int list(void) {
  const CogBackend *backend;
  for (size_t i = 0; (backend = cog_backend(i)) != NULL; i++) {
    if (cog_runs_here(backend)) printf("%s%s", i > 0 ? " " : "", backend->name);
  }
  printf("\n");
  return 0;
}

int main(int argument_count, char **arguments) {
  if (argument_count == 2 && strcmp(arguments[1], "--list") == 0) return list();
  int sets = 0;
  const CogBackend *backend;
  for (size_t i = 0; (backend = cog_backend(i)) != NULL; i++) {
    if (!cog_runs_here(backend)) continue;
    if (i > 0) {
      sets++;
      try_all((Set){backend, false, backend->name});
    }
    if (backend->option_name) try_all((Set){backend, true, backend->option_name});
  }
  if (sets == 0) printf("this processor has no instruction set beside the portable one\n");
  return failures > 0 || sets == 0;
}
