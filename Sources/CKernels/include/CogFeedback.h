// Rounding weights one column after another, each in view of the errors of those before.

#ifndef COG_FEEDBACK_H
#define COG_FEEDBACK_H

#include <stddef.h>
#include <stdint.h>

#include "CogPanels.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// The most columns of a block.
enum { COG_FEEDBACK_COLUMNS = 128 };

/// A block of columns of up to 16 rows whose weights are rounded so that the error of the product with the
/// layer's inputs becomes small: GPTQ (Frantar et al. 2022) in the form of Babai's nearest plane, which needs
/// no inverse. With H = L L^T, H the second moments of the inputs, the error of a row is |L^T (w - ŵ)|^2. Its
/// column c is at its least when ŵ_c is w_c + (sum over k > c of L_kc (w_k - ŵ_k)) / L_cc, so columns are
/// rounded from the last to the first. Groups have their scales already; they need not lie side by side.
typedef struct CogFeedbackBlock {
  unsigned bits;         ///< of a weight: 4 or 8
  size_t rows, count;    ///< rows and columns that exist
  const float *weights;  ///< [rows][count]
  size_t weight_stride;
  const float *sums;  ///< [rows][count]: sum over k behind the block of L_kc (w_k - ŵ_k)
  size_t sum_stride;
  const float *factor;  ///< [count][count]: L, of which the lower triangle is read
  size_t factor_stride;
  const uint32_t *groups;          ///< [count]: which group a column belongs to
  const float *scales;             ///< [rows][group_count]; a group of scale 0 is all zeros
  const uint8_t *_Nullable zeros;  ///< [rows][group_count]; NULL for zeros
  size_t group_count;
  const uint32_t *columns;  ///< [count]: where in its row a column's code goes
  int8_t *codes;            ///< [rows][columns of the matrix]
  size_t code_stride;
  float *errors;  ///< [rows][count]: w - ŵ
  size_t error_stride;
} CogFeedbackBlock;

/// Rounds a block; COG_BAD_ARGUMENT where it is too large.
typedef CogStatus CogRoundWithFeedback(const CogFeedbackBlock *block);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#endif
