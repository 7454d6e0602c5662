import COpenBLAS

/// The functions of BLAS and LAPACK that are used, with OpenBLAS's own threads off.
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

  /// `c[m, n] += alpha * a^T * b`, all row-major with the given row strides; `a` is `[k, m]`, `b` `[k, n]`.
  static func addProduct(
    transposed a: UnsafePointer<Float>, stride lda: Int, _ b: UnsafePointer<Float>, stride ldb: Int,
    to c: UnsafeMutablePointer<Float>, stride ldc: Int, m: Int, n: Int, k: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, blasint(m), blasint(n), blasint(k), 1, a, blasint(lda), b,
      blasint(ldb), 1, c, blasint(ldc))
  }

  /// `c[m, n] -= a[m, k] * b^T`, all row-major with the given row strides; `b` is `[n, k]`.
  static func subtractProduct(
    _ a: UnsafePointer<Float>, stride lda: Int, transposed b: UnsafePointer<Float>, stride ldb: Int,
    from c: UnsafeMutablePointer<Float>, stride ldc: Int, m: Int, n: Int, k: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(m), blasint(n), blasint(k), -1, a, blasint(lda), b,
      blasint(ldb), 1, c, blasint(ldc))
  }

  /// `c[m, n] = a[m, k] * b[k, n]`, all row-major with the given row strides.
  static func multiply(
    _ a: UnsafePointer<Float>, stride lda: Int, by b: UnsafePointer<Float>, stride ldb: Int,
    into c: UnsafeMutablePointer<Float>, stride ldc: Int, m: Int, n: Int, k: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(m), blasint(n), blasint(k), 1, a, blasint(lda), b,
      blasint(ldb), 0, c, blasint(ldc))
  }

  /// `b[m, n] = b * l^-T`, row-major with the given row strides; `l` is a lower triangle `[n, n]`.
  static func divide(
    _ b: UnsafeMutablePointer<Float>, stride ldb: Int, byTransposed l: UnsafePointer<Float>, stride ldl: Int,
    m: Int, n: Int
  ) {
    cblas_strsm(
      CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, blasint(m), blasint(n), 1, l,
      blasint(ldl), b, blasint(ldb))
  }

  /// Puts the Cholesky factor of a symmetric matrix in the place of its lower triangle, row-major.
  ///
  /// - Returns: false where a pivot is not positive.
  static func factorize(_ a: UnsafeMutablePointer<Float>, stride lda: Int, size: Int) -> Bool {
    var (n, stride, info) = (blasint(size), blasint(lda), blasint(0))
    // What is lower for rows is upper for columns, LAPACK's order.
    var triangle = CChar(UInt8(ascii: "U"))
    spotrf_(&triangle, &n, a, &stride, &info)
    return info == 0
  }
}
