/// The second moments of vectors, `sum of weight * x * x^T`: the Hessian of a linear layer's squared error in
/// each of its rows of weights, up to a factor of 2.
///
/// Sums are float32, in an order that the number of threads does not change.
package final class GramMatrix {
  /// `[size, size]`, of which the lower triangle counts.
  package let values: FloatMatrix
  /// Vectors that were added.
  package private(set) var count = 0
  /// The sum of their weights.
  package private(set) var weight = 0.0

  /// Rows and columns that one task adds to.
  private static let tile = 384

  /// A sum of nothing.
  ///
  /// - Parameter size: elements of a vector.
  package init(size: Int) { values = FloatMatrix(rows: size, columns: size) }

  /// Elements of a vector.
  package var size: Int { values.rows }

  /// Bytes that a sum of vectors of so many elements takes.
  package static func byteCount(size: Int) -> Int { size * size * MemoryLayout<Float>.stride }

  /// Adds vectors.
  ///
  /// - Parameters:
  ///   - x: `[vectors, size]`.
  ///   - weights: one for each vector, not negative; nil counts each as 1.
  package func add(_ x: FloatMatrix, weights: [Float]? = nil, threads: ThreadPool) {
    precondition(x.columns == size && weights.map { $0.count == x.rows } ?? true, "vectors of this size")
    guard x.rows > 0 else { return }
    let scaled = weights.map { Self.scaled(x, by: $0, threads) } ?? x
    let tiles = (size + Self.tile - 1) / Self.tile
    threads.parallelFor(tiles * (tiles + 1) / 2) { index in
      let (row, column) = Self.place(index)
      let (first, second) = (row * Self.tile, column * Self.tile)
      BLAS.multiply(
        .init(scaled.pointer + first, stride: size, transposed: true),
        by: .init(scaled.pointer + second, stride: size),
        m: min(Self.tile, size - first), n: min(Self.tile, size - second), k: x.rows,
        into: values.pointer + first * size + second, stride: size, .add)
    }
    count += x.rows
    weight += weights.map { $0.reduce(0) { $0 + Double($1) } } ?? Double(x.rows)
  }

  /// Row and column of a tile of the lower triangle, counted row by row.
  static func place(_ index: Int) -> (row: Int, column: Int) {
    var row = Int((Double(8 * index + 1).squareRoot() - 1) / 2)
    while row * (row + 1) / 2 > index { row -= 1 }
    while (row + 1) * (row + 2) / 2 <= index { row += 1 }
    return (row, index - row * (row + 1) / 2)
  }

  /// The vectors times the roots of their weights.
  private static func scaled(_ x: FloatMatrix, by weights: [Float], _ threads: ThreadPool) -> FloatMatrix {
    let result = FloatMatrix(uninitializedRows: x.rows, columns: x.columns)
    threads.parallelFor(x.rows) { row in
      let (source, target, root) = (x.row(row), result.row(row), weights[row].squareRoot())
      for column in 0..<x.columns { target[column] = source[column] * root }
    }
    return result
  }
}
