// Quantized matrices: their layout, and what writes and reads them.

#ifndef COG_PANELS_H
#define COG_PANELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// A quantized matrix as Formats/int4.md lays it out: panels of 16 rows. `panels` may be unaligned.
typedef struct CogPanelMatrix {
  const uint8_t *panels;  ///< the first panel
  unsigned bits;          ///< of a weight: 4 or 8
  size_t rows;            ///< rows of the matrix; the last panel may have padding rows
  size_t group_size;      ///< columns that share a scale: 32, 64 or 128
  size_t group_count;     ///< groups in a row; the last may be short
  size_t padded_columns;  ///< columns rounded up to a multiple of 8
  size_t header_bytes;    ///< bytes of scales and zero points in a block of four groups
  size_t block_bytes;     ///< bytes from one block to the next
  size_t panel_bytes;     ///< bytes from one panel to the next
} CogPanelMatrix;

/// COG_NOT_FINITE: a weight is NaN or infinite; the error's worst row and group say which. COG_BAD_ARGUMENT:
/// nothing was written, or something of no use.
typedef enum CogStatus { COG_OK = 0, COG_NOT_FINITE = 1, COG_BAD_ARGUMENT = 2 } CogStatus;

/// What quantizing weights lost. Relative error of a group: sqrt(sum of squared errors / sum of squares).
typedef struct CogPanelError {
  double squared_error;         ///< sum of (weight - decoded weight)^2
  double squared_sum;           ///< sum of weight^2
  double worst_relative_error;  ///< the largest relative error of a group; 0 when all groups are exact
  size_t worst_row;             ///< its row in the panel, 0 to 15
  size_t worst_group;           ///< its group
} CogPanelError;

/// How scales and zero points of quantized weights are chosen.
typedef enum CogScaleChoice {
  COG_LEAST_SQUARES = 0,  ///< a search for the least squared error
  /// What the largest weights need: in int4 from the least and the largest, 0 included, in int8 from the
  /// largest magnitude.
  COG_ABSMAX = 1,
} CogScaleChoice;

/// Quantizes up to 16 rows of float weights into one whole panel of matrix's layout (matrix->panels is not
/// read; every byte of `panel` is written). `rows` is the number of rows that exist, the others become
/// padding. COG_LEAST_SQUARES minimizes the squared errors times the `importance` [columns] of their columns,
/// finite and not negative; NULL: all columns count alike. The error that is returned counts them alike.
typedef CogStatus CogPanelQuantize(
    const CogPanelMatrix *matrix, CogScaleChoice way, const float *_Nullable importance, const float *weights,
    size_t weight_stride, size_t rows, size_t columns, uint8_t *panel, CogPanelError *error);

/// Rows that are quantized already, however their codes were found: weight ~ scale * (code - zero).
typedef struct CogPanelCodes {
  const int8_t *codes;             ///< [rows][columns]: 0 to 15 in int4, -127 to 127 in int8
  const float *scales;             ///< [rows][group_count], each of them a number of F16, not negative
  const uint8_t *_Nullable zeros;  ///< [rows][group_count], 0 to 15; NULL for zeros, which int8 always has
  size_t rows, columns;            ///< rows that exist, at most 16
} CogPanelCodes;

/// Packs such rows into one whole panel of matrix's layout, as CogPanelQuantize does; COG_BAD_ARGUMENT when
/// the format has no such number. A row's group of zeros becomes the format's zeros, whatever its scale was.
typedef CogStatus CogPanelPack(const CogPanelMatrix *matrix, const CogPanelCodes *source, uint8_t *panel);

/// Writes the rows [first_row, end_row) as float32, `columns` of each, output[row - first_row][column].
typedef void CogPanelDequantize(
    const CogPanelMatrix *matrix, size_t first_row, size_t end_row, size_t columns, float *output,
    size_t output_stride);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#endif
