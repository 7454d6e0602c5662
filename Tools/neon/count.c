// Runs one product of quantized weights so often and no more, for an emulator that counts instructions:
//
//   count BACKEND BITS GROUP_SIZE TOKENS COLUMNS ROWS PREPARATIONS PRODUCTS
//
// The numbers that are multiplied do not matter: no kernel's way depends on them. Built and run by
// Tools/test_neon --count.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CKernels.h"
#include "matrices.h"

enum { BACKEND = 1, BITS, GROUP_SIZE, TOKENS, COLUMNS, ROWS, PREPARATIONS, PRODUCTS, ARGUMENTS };

static const CogBackend *find_backend(const char *name) {
  const CogBackend *backend;
  for (size_t i = 0; (backend = cog_backend(i)) != NULL; i++) {
    if (strcmp(backend->name, name) == 0 && cog_runs_here(backend)) return backend;
  }
  return NULL;
}

int main(int argument_count, char **arguments) {
  if (argument_count != ARGUMENTS) return 64;
  size_t numbers[ARGUMENTS] = {0};
  for (size_t i = BITS; i < ARGUMENTS; i++) numbers[i] = strtoul(arguments[i], NULL, 10);
  const size_t tokens = numbers[TOKENS], columns = numbers[COLUMNS], rows = numbers[ROWS];
  const CogBackend *backend = find_backend(arguments[BACKEND]);
  if (!backend) return printf("%s does not run here\n", arguments[BACKEND]), 1;
  CogPanelMatrix matrix = make_matrix(rows, columns, numbers[GROUP_SIZE], numbers[BITS] == 4);
  const CogProduct *product = cog_product(backend, false, matrix.bits, matrix.group_size, tokens);
  const size_t panels = (rows + 15) / 16;
  uint8_t *bytes = malloc(panels * matrix.panel_bytes);
  memset(bytes, 7, panels * matrix.panel_bytes);  // zero points too, which are at most 15
  matrix.panels = bytes;
  float *x = malloc(tokens * columns * sizeof(float)), *output = malloc(tokens * rows * sizeof(float));
  for (size_t i = 0; i < tokens * columns; i++) x[i] = (float)(i % 7);
  uint8_t *tiles = malloc(tokens * matrix.group_count * cog_token_bytes(matrix.group_size));
  void *scratch = make_scratch(product);
  const CogOperands operands = {matrix, 0, panels, {tiles, tokens, product->tile_tokens}, NULL, scratch};
  for (size_t i = 0; i < numbers[PREPARATIONS]; i++)
    prepare_tiles(product, &matrix, x, tokens, columns, tiles);
  for (size_t i = 0; i < numbers[PRODUCTS]; i++) product->multiply(&operands, output, rows);
  return 0;
}
