import COpenBLAS

/// The functions of BLAS and LAPACK that are used, with OpenBLAS's own threads off.
///
/// The thread pool shares out tiles of rows instead: expanding a tile's weights and multiplying with them
/// then happen in one cache.
enum BLAS {
  /// Every function asks for it first: with threads of its own OpenBLAS gives other bits.
  private static let threadsAreOff: Void = openblas_set_num_threads(1)

  /// A row-major matrix as a product takes it.
  struct Factor {
    let pointer: UnsafePointer<Float>
    /// Elements from one row to the next.
    let stride: Int
    /// Whether the product is with its transpose.
    let isTransposed: Bool

    /// A matrix, or its transpose.
    init(_ pointer: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
      (self.pointer, self.stride, isTransposed) = (pointer, stride, transposed)
    }

    fileprivate var operation: CBLAS_TRANSPOSE { isTransposed ? CblasTrans : CblasNoTrans }
  }

  /// What becomes of what is at the place of a product.
  enum Target {
    /// The product takes its place.
    case replace
    /// The product is added to it.
    case add
    /// The product is subtracted from it.
    case subtract
  }

  /// `c[m, n] = a[m, k] * b[k, n]`, or added to or subtracted from it; sizes are those of the factors as they
  /// are multiplied. Sizes and strides fit 32 bits: ``WeightMatrix`` sees to it.
  static func multiply(
    _ a: Factor, by b: Factor, m: Int, n: Int, k: Int, into c: UnsafeMutablePointer<Float>, stride ldc: Int,
    _ target: Target = .replace
  ) {
    _ = threadsAreOff
    cblas_sgemm(
      CblasRowMajor, a.operation, b.operation, blasint(m), blasint(n), blasint(k),
      target == .subtract ? -1 : 1, a.pointer, blasint(a.stride), b.pointer, blasint(b.stride),
      target == .replace ? 0 : 1, c, blasint(ldc))
  }

  /// `b[m, n] = b * l^-T`, row-major with the given row strides; `l` is a lower triangle `[n, n]`.
  static func divide(
    _ b: UnsafeMutablePointer<Float>, stride ldb: Int, byTransposed l: UnsafePointer<Float>, stride ldl: Int,
    m: Int, n: Int
  ) {
    _ = threadsAreOff
    cblas_strsm(
      CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, blasint(m), blasint(n), 1, l,
      blasint(ldl), b, blasint(ldb))
  }

  /// Puts the Cholesky factor of a symmetric matrix in the place of its lower triangle, row-major.
  ///
  /// - Returns: false where a pivot is not positive, or not finite, which LAPACK does not look at.
  static func factorize(_ a: UnsafeMutablePointer<Float>, stride lda: Int, size: Int) -> Bool {
    _ = threadsAreOff
    var (n, stride, info) = (blasint(size), blasint(lda), blasint(0))
    // What is lower for rows is upper for columns, LAPACK's order.
    var triangle = CChar(UInt8(ascii: "U"))
    spotrf_(&triangle, &n, a, &stride, &info)
    return info == 0 && (0..<size).allSatisfy { a[$0 * lda + $0].isFinite }
  }
}
