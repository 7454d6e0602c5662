// The instruction sets that kernels are compiled for, and what each of them has.

#ifndef COG_BACKENDS_H
#define COG_BACKENDS_H

#include "CogKernels.h"
#include "CogLimits.h"
#include "CogProducts.h"
#include "CogStatistics.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// One instruction set: a file in backends/.
typedef struct CogBackend {
  const char *name;  ///< as COGVLM_KERNELS spells it
  /// Another name, which chooses the backend with its optional products; NULL when it has none.
  const char *_Nullable option_name;
  /// Whether this processor and its operating system have it; NULL where this build does not.
  bool (*_Nullable runs_here)(void);
  /// Whether the optional products are the faster ones on this processor; NULL when there are none.
  bool (*_Nullable option_pays_here)(void);
  // What it has; NULL where this build does not have it.
  const CogKernels *kernels;
  const CogStatisticsKernels *statistics;
  const CogLimits *limits;
  /// Ways to multiply, the ones to be preferred first; those that are not optional take all encodings, group
  /// sizes and token counts together.
  const CogProduct *_Nonnull const *_Nonnull products;
  size_t product_count;
} CogBackend;

/// The backend of a number, the slowest first, whether it runs here or not; NULL behind the last.
const CogBackend *_Nullable cog_backend(size_t index);

/// Whether the kernels of a backend may be called.
static inline bool cog_runs_here(const CogBackend *backend) {
  return backend->runs_here && backend->runs_here();
}

/// The first product of a backend for `tokens` tokens and such weights, of all of them or of those that are
/// not optional. NULL for weights that the backend does not multiply.
const CogProduct *_Nullable cog_product(
    const CogBackend *backend, bool with_option, unsigned bits, size_t group_size, size_t tokens);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#endif
