public import CogCompute
import Foundation

/// How far a value is from its reference. Formulas: `Formats/references.md`, "Measures".
public struct Measures: Equatable, Sendable, Codable {
  /// `|a - b| / |b|` with Euclidean norms over all elements, `b` the reference; infinite when only `b` is zero.
  public var relativeL2: Double
  /// The largest absolute difference.
  public var maxAbs: Double
  /// `a . b / (|a| |b|)`; 1 when both are zero.
  public var cosine: Double

  /// Signal to noise in dB, `-20 log10(relativeL2)`.
  public var sqnr: Double { -20 * log10(relativeL2) }

  /// Compares two values element by element, with sums in double precision.
  ///
  /// A value that is not a number makes every measure one: it never passes a tolerance.
  public init(_ a: UnsafeBufferPointer<Float>, reference b: UnsafeBufferPointer<Float>) {
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
    if hasNaN {
      (relativeL2, maxAbs, cosine) = (.nan, .nan, .nan)
      return
    }
    relativeL2 = sums.relativeL2
    maxAbs = sums.largest
    cosine = sums.cosine
  }

  /// Compares the first rows of `a` with all of `reference`.
  public init(_ a: FloatMatrix, reference: FloatMatrix) {
    let count = reference.rows * reference.columns
    let available = min(count, a.rows * a.columns)
    self.init(
      UnsafeBufferPointer(start: a.pointer, count: available),
      reference: UnsafeBufferPointer(start: reference.pointer, count: count))
  }
}
