import COpenBLAS

/// The one BLAS function that is used, with OpenBLAS's own threads off.
///
/// The thread pool shares out tiles of rows instead: expanding a tile's weights and multiplying with them
/// then happen in one cache.
enum BLAS {
  private static let threadsAreOff: Void = openblas_set_num_threads(1)

  /// Turns OpenBLAS's own threads off.
  static func prepare() { _ = threadsAreOff }

  /// `c[m, n] = a[m, k] * b^T`, all row-major with the given row strides; `b` is `[n, k]`. Sizes and strides
  /// fit 32 bits: ``WeightMatrix`` sees to it.
  static func multiply(
    _ a: UnsafePointer<Float>, stride lda: Int, transposed b: UnsafePointer<Float>, stride ldb: Int,
    into c: UnsafeMutablePointer<Float>, stride ldc: Int, m: Int, n: Int, k: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(m), blasint(n), blasint(k), 1, a, blasint(lda), b,
      blasint(ldb), 0, c, blasint(ldc))
  }
}
