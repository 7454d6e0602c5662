import Glibc

/// How far a value is from its reference. Formulas: `Formats/references.md`, "Measures"; they are here and
/// nowhere else.
package struct Measures: Equatable, Sendable {
  /// `|a - b| / |b|` with Euclidean norms over all elements, `b` the reference.
  package let relativeL2: Double
  /// The largest absolute difference.
  package let maxAbs: Double
  /// `a . b / (|a| |b|)`.
  package let cosine: Double

  /// Signal to noise in dB; infinite for equal values.
  package var sqnr: Double { Self.sqnr(relativeL2: relativeL2) }

  /// The measures of equal values.
  package static let none = MeasureSums().measures

  /// `|a - b| / |b|` from its squares; where b is zero, 0 if a is too, else infinite.
  package static func relativeL2(squaredDifference: Double, squares: Double) -> Double {
    squares > 0 ? (squaredDifference / squares).squareRoot() : (squaredDifference > 0 ? .infinity : 0)
  }

  /// `-20 log10(relativeL2)` in dB.
  package static func sqnr(relativeL2: Double) -> Double { -20 * log10(relativeL2) }
}

/// What ``Measures`` are made of, `a` what is tested and `b` the reference, summed in double precision over
/// one value or over several as if they were one.
package struct MeasureSums: Equatable, Sendable {
  /// Elements that were compared.
  package var count = 0
  /// The sum of `(a - b)^2`.
  package var squaredDifference = 0.0
  /// The sum of `a^2`.
  package var squaresA = 0.0
  /// The sum of `b^2`.
  package var squaresB = 0.0
  /// The sum of `a b`.
  package var products = 0.0
  /// The largest `|a - b|`.
  package var largest = 0.0
  /// Whether something cannot be measured, such as a NaN: no measure is a number then, and none passes a
  /// tolerance.
  package var hasNaN = false

  /// Of no elements.
  package init() {}

  /// Adds the sums of other elements.
  package mutating func add(_ other: MeasureSums) {
    count += other.count
    squaredDifference += other.squaredDifference
    squaresA += other.squaresA
    squaresB += other.squaresB
    products += other.products
    largest = max(largest, other.largest)
    hasNaN = hasNaN || other.hasNaN
  }

  /// Adds elements and their references, one by one; where the two have different lengths, nothing can be
  /// measured.
  package mutating func add(_ a: UnsafeBufferPointer<Float>, reference b: UnsafeBufferPointer<Float>) {
    // Sums in registers: the compiler keeps stored properties in memory.
    var sums = MeasureSums()
    sums.count = min(a.count, b.count)
    var hasNaN = a.count != b.count
    for index in 0..<sums.count {
      let (x, y) = (Double(a[index]), Double(b[index]))
      let delta = x - y
      sums.squaredDifference += delta * delta
      sums.products += x * y
      sums.squaresA += x * x
      sums.squaresB += y * y
      sums.largest = max(sums.largest, abs(delta))
      hasNaN = hasNaN || delta.isNaN
    }
    sums.hasNaN = hasNaN
    add(sums)
  }

  /// The measures over all that was added.
  package var measures: Measures {
    if hasNaN { return Measures(relativeL2: .nan, maxAbs: .nan, cosine: .nan) }
    return Measures(
      relativeL2: Measures.relativeL2(squaredDifference: squaredDifference, squares: squaresB),
      maxAbs: largest, cosine: cosine)
  }

  /// `a . b / (|a| |b|)`; where either is zero, 1 if both are, else 0. Exactly 1 for equal values: the root
  /// is taken of the product, and sums of squares of float32 are far from where that would overflow.
  private var cosine: Double {
    squaresA > 0 && squaresB > 0
      ? products / (squaresA * squaresB).squareRoot() : (squaresA == squaresB ? 1 : 0)
  }
}
