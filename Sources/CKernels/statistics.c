// The loops of CogStatistics.h that no instruction set makes faster.

#include "CogStatistics.h"

#include <stdbool.h>
#include <string.h>

#include "generic/panel_layout.h"

static bool cog_is_zero(const uint8_t *element, size_t element_bytes) {
  if (element_bytes == 2) {
    uint16_t bits;
    memcpy(&bits, element, sizeof bits);
    return (bits & 0x7FFF) == 0;
  }
  uint32_t bits;
  memcpy(&bits, element, sizeof bits);
  return (bits & 0x7FFFFFFF) == 0;
}

size_t cog_count_zero_groups(
    const void *values, size_t count, size_t element_bytes, size_t group_size, size_t *first) {
  const uint8_t *bytes = values;
  size_t groups = 0;
  for (size_t start = 0; start < count; start += group_size) {
    const size_t end = count - start < group_size ? count : start + group_size;
    size_t i = start;
    while (i < end && cog_is_zero(bytes + i * element_bytes, element_bytes)) i++;
    if (i < end) continue;
    if (groups == 0) *first = start;
    groups++;
  }
  return groups;
}

/// The columns of a last line that is not full.
static void cog_count_last_codes(
    const uint8_t *line, size_t columns, size_t row_bytes, unsigned bits, uint64_t *counts) {
  for (size_t column = 0; column < columns; column++) {
    for (size_t i = column % 4; i < row_bytes; i += 4) {
      counts[bits == 8 ? line[i] : column < 4 ? line[i] & 15 : line[i] >> 4]++;
    }
  }
}

void cog_count_codes(const CogPanelMatrix *matrix, size_t panel, size_t columns, uint64_t *counts) {
  const unsigned bits = matrix->bits;
  const size_t row_bytes = cog_panel_rows(matrix, panel) * 4;
  const size_t columns_in_line = bits == 4 ? 8 : 4;
  uint64_t bytes[2][256] = {{0}};
  for (size_t group = 0; group < matrix->group_count; group++) {
    const uint8_t *line = cog_panel(matrix, panel) + cog_lines_offset(matrix, group, bits == 4);
    const size_t first = group * matrix->group_size, padded = cog_group_columns(matrix, group);
    size_t left = columns - first < padded ? columns - first : padded;
    for (; left >= columns_in_line; left -= columns_in_line, line += COG_LINE_BYTES) {
      for (size_t i = 0; i < row_bytes; i += 2) {
        bytes[0][line[i]]++;
        bytes[1][line[i + 1]]++;
      }
    }
    cog_count_last_codes(line, left, row_bytes, bits, counts);
  }
  for (size_t byte = 0; byte < 256; byte++) {
    const uint64_t count = bytes[0][byte] + bytes[1][byte];
    counts[bits == 4 ? byte & 15 : byte] += count;
    if (bits == 4) counts[byte >> 4] += count;
  }
}
