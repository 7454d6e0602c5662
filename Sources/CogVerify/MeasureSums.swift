import CogCompute

/// The sums that ``Measures`` are made of, over one value or over several as if they were one.
struct MeasureSums {
  /// Elements that were compared.
  private(set) var count = 0
  private var sums = DifferenceSums()
  private var hasNaN = false

  /// Adds a value and its reference, which must have the same length: where they differ every measure becomes
  /// NaN.
  mutating func add(_ a: UnsafeBufferPointer<Float>, reference b: UnsafeBufferPointer<Float>) {
    // Sums in registers: the compiler keeps stored properties in memory.
    var sums = DifferenceSums()
    var hasNaN = a.count != b.count
    for index in 0..<min(a.count, b.count) {
      let (x, y) = (Double(a[index]), Double(b[index]))
      let delta = x - y
      sums.squaredDifference += delta * delta
      sums.products += x * y
      sums.squaresA += x * x
      sums.squaresB += y * y
      sums.largest = max(sums.largest, abs(delta))
      hasNaN = hasNaN || delta.isNaN
    }
    self.sums.add(sums)
    self.hasNaN = self.hasNaN || hasNaN
    count += min(a.count, b.count)
  }

  /// Adds a value and its reference, of one size.
  mutating func add(_ a: FloatMatrix, reference b: FloatMatrix) {
    add(
      UnsafeBufferPointer(start: a.pointer, count: a.rows * a.columns),
      reference: UnsafeBufferPointer(start: b.pointer, count: b.rows * b.columns))
  }

  /// Adds what other sums were made of.
  mutating func add(_ other: MeasureSums) {
    count += other.count
    sums.add(other.sums)
    hasNaN = hasNaN || other.hasNaN
  }

  /// The measures over all that was added.
  var measures: Measures {
    if hasNaN { return Measures(relativeL2: .nan, maxAbs: .nan, cosine: .nan) }
    return Measures(relativeL2: sums.relativeL2, maxAbs: sums.largest, cosine: sums.cosine)
  }
}
