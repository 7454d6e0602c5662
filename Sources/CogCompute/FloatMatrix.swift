/// A row-major, contiguous matrix of float32 in memory of its own, aligned to 64 bytes, or some rows of
/// another one.
///
/// The functions of ``Compute`` that work in place write through ``pointer``: a matrix is used by one caller
/// at a time.
package final class FloatMatrix: @unchecked Sendable {
  /// Rows; for activations the tokens.
  package let rows: Int
  /// Columns; for activations the features.
  package let columns: Int
  /// Element `(row, column)` at `row * columns + column`.
  package let pointer: UnsafeMutablePointer<Float>
  /// Bytes of the block that ``RecycledMemory`` gave.
  private let byteCount: Int
  /// The matrix whose memory this one shares, if it has none of its own.
  private let owner: FloatMatrix?

  /// Elements of the matrix.
  package var count: Int { rows * columns }

  /// A matrix of zeros.
  package convenience init(rows: Int, columns: Int) {
    self.init(uninitializedRows: rows, columns: columns)
    pointer.initialize(repeating: 0, count: count)
  }

  /// A copy of `values`, row after row: exactly `rows * columns` of them.
  package convenience init(_ values: [Float], rows: Int, columns: Int) {
    precondition(values.count == rows * columns, "a matrix has rows x columns values")
    self.init(uninitializedRows: rows, columns: columns)
    values.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { pointer.initialize(from: base, count: count) }
    }
  }

  /// A matrix whose elements are whatever was in memory, for functions that write every one.
  package init(uninitializedRows rows: Int, columns: Int) {
    precondition(rows >= 0 && columns >= 0, "a matrix has no negative size")
    self.rows = rows
    self.columns = columns
    owner = nil
    let memory = RecycledMemory.allocate(byteCount: max(rows * columns, 1) * MemoryLayout<Float>.stride)
    byteCount = memory.byteCount
    pointer = memory.pointer.bindMemory(to: Float.self, capacity: max(rows * columns, 1))
  }

  private init(sharing owner: FloatMatrix, from first: Int, rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    pointer = owner.pointer + first
    byteCount = 0
    self.owner = owner
  }

  deinit {
    if owner == nil { RecycledMemory.free(UnsafeMutableRawPointer(pointer), byteCount: byteCount) }
  }

  /// A copy of all elements, row after row.
  package var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

  /// One row, in place; valid as long as the matrix.
  package func row(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
    precondition(index >= 0 && index < rows, "a row of the matrix")
    return UnsafeMutableBufferPointer(start: pointer + index * columns, count: columns)
  }

  /// Some rows in place: a matrix of the same memory, which lives as long as any of both.
  package func sharedRows(_ range: Range<Int>) -> FloatMatrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows of the matrix")
    return FloatMatrix(
      sharing: self, from: range.lowerBound * columns, rows: range.count, columns: columns)
  }

  /// The last rows in place, as ``sharedRows(_:)``.
  package func lastRows(_ count: Int) -> FloatMatrix { sharedRows(rows - count..<rows) }

  /// The same elements in place, in rows of another length: a matrix of the same memory.
  package func reshaped(rows: Int, columns: Int) -> FloatMatrix {
    precondition(rows >= 0 && columns >= 0 && rows * columns == count, "a matrix of as many elements")
    return FloatMatrix(sharing: self, from: 0, rows: rows, columns: columns)
  }

  /// Copies rows of the same length to the rows from `first` on.
  package func store(_ source: FloatMatrix, at first: Int) {
    store(source.columns(0..<source.columns), at: first)
  }

  /// Copies rows of the same length to the rows from `first` on.
  package func store(_ source: MatrixSlice, at first: Int) {
    precondition(source.columns == columns, "rows of the matrix's length")
    precondition(first >= 0 && first + source.rows <= rows, "rows of the matrix")
    for row in 0..<source.rows {
      (pointer + (first + row) * columns).update(from: source.pointer + row * source.stride, count: columns)
    }
  }

  /// Writes the transposed matrix to `target [columns, rows]`.
  package func transpose(into target: FloatMatrix) {
    precondition(target.rows == columns && target.columns == rows, "a matrix of the transposed shape")
    for row in 0..<rows {
      for column in 0..<columns { target.pointer[column * rows + row] = pointer[row * columns + column] }
    }
  }

  /// A copy of some rows.
  package func copyRows(_ range: Range<Int>) -> FloatMatrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows of the matrix")
    let copy = FloatMatrix(uninitializedRows: range.count, columns: columns)
    copy.pointer.initialize(from: pointer + range.lowerBound * columns, count: copy.count)
    return copy
  }

  /// Some columns of all rows, in place.
  package func columns(_ range: Range<Int>) -> MatrixSlice {
    precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns of the matrix")
    return MatrixSlice(matrix: self, columns: range)
  }

  /// One element.
  package subscript(row: Int, column: Int) -> Float {
    get { self.row(row)[column] }
    set { self.row(row)[column] = newValue }
  }
}

/// Some columns of all rows of a matrix, where they lie. It keeps the matrix alive.
package struct MatrixSlice: Sendable {
  private let matrix: FloatMatrix
  private let range: Range<Int>

  fileprivate init(matrix: FloatMatrix, columns: Range<Int>) {
    self.matrix = matrix
    range = columns
  }

  /// Rows of the matrix.
  package var rows: Int { matrix.rows }
  /// Columns of the slice.
  package var columns: Int { range.count }
  /// Floats from one row to the next.
  var stride: Int { matrix.columns }
  /// The first element of the first row; valid as long as the slice.
  var pointer: UnsafePointer<Float> { UnsafePointer(matrix.pointer + range.lowerBound) }
}
