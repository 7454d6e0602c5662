#include <cblas.h>

// LAPACK's Cholesky factor of a symmetric matrix, which OpenBLAS has an implementation of its own of; Debian
// keeps its header in a package of its own.
void spotrf_(const char *uplo, const blasint *n, float *a, const blasint *lda, blasint *info);
