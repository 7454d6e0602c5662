package import CogModel

extension MeasureSums {
  /// Adds a value and its reference, of one size.
  package mutating func add(_ a: FloatMatrix, reference b: FloatMatrix) {
    add(
      UnsafeBufferPointer(start: a.pointer, count: a.rows * a.columns),
      reference: UnsafeBufferPointer(start: b.pointer, count: b.rows * b.columns))
  }
}

extension Measures {
  /// Compares the first rows of `a` with all of `reference`.
  package init(_ a: FloatMatrix, reference: FloatMatrix) {
    let count = reference.rows * reference.columns
    var sums = MeasureSums()
    sums.add(
      UnsafeBufferPointer(start: a.pointer, count: min(count, a.rows * a.columns)),
      reference: UnsafeBufferPointer(start: reference.pointer, count: count))
    self = sums.measures
  }
}
