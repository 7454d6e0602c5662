/// The lower triangle L with `H = L L^T` of a symmetric matrix, in its place.
package enum CholeskyFactor {
  /// Columns that are factorized at a time.
  private static let block = 256
  /// Rows and columns that one task subtracts from.
  private static let tile = 512

  /// Replaces the lower triangle of a matrix by its factor; the result depends on no number of threads.
  ///
  /// - Parameter matrix: `[n, n]`, of which the lower triangle is read and written; what is above it on
  ///   diagonal blocks is spoiled.
  /// - Returns: false where the matrix is not positive definite; it is spoiled then.
  /// - Throws: what the context's cancellation throws.
  package static func replace(_ matrix: FloatMatrix, context: RunContext) throws -> Bool {
    let n = matrix.rows
    precondition(matrix.columns == n, "a square matrix")
    for first in stride(from: 0, to: n, by: block) {
      try context.cancellation.check()
      let width = min(block, n - first)
      let diagonal = matrix.pointer + first * n + first
      guard BLAS.factorize(diagonal, stride: n, size: width) else { return false }
      divideBelow(matrix, first: first, width: width, context.threads)
      subtractProducts(matrix, first: first, width: width, context.threads)
    }
    return true
  }

  /// The rows below a diagonal block, divided by it.
  private static func divideBelow(_ matrix: FloatMatrix, first: Int, width: Int, _ threads: ThreadPool) {
    let n = matrix.rows
    let below = first + width
    threads.parallelFor((n - below + tile - 1) / tile) { index in
      let row = below + index * tile
      BLAS.divide(
        matrix.pointer + row * n + first, stride: n, byTransposed: matrix.pointer + first * n + first,
        stride: n, m: min(tile, n - row), n: width)
    }
  }

  /// What those rows take from the triangle behind them.
  private static func subtractProducts(
    _ matrix: FloatMatrix, first: Int, width: Int, _ threads: ThreadPool
  ) {
    let n = matrix.rows
    let below = first + width
    let tiles = (n - below + tile - 1) / tile
    threads.parallelFor(tiles * (tiles + 1) / 2) { index in
      let place = GramMatrix.place(index)
      let (row, column) = (below + place.row * tile, below + place.column * tile)
      BLAS.multiply(
        .init(matrix.pointer + row * n + first, stride: n),
        by: .init(matrix.pointer + column * n + first, stride: n, transposed: true),
        m: min(tile, n - row), n: min(tile, n - column), k: width,
        into: matrix.pointer + row * n + column, stride: n, .subtract)
    }
  }
}
