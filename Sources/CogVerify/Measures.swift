package import CogCompute
import Foundation

/// How far a value is from its reference. Formulas: `Formats/references.md`, "Measures".
package struct Measures: Equatable, Sendable, Codable {
  /// `|a - b| / |b|` with Euclidean norms over all elements, `b` the reference; infinite when only `b` is
  /// zero.
  package var relativeL2: Double
  /// The largest absolute difference.
  package var maxAbs: Double
  /// `a . b / (|a| |b|)`; 1 when both are zero.
  package var cosine: Double

  /// Signal to noise in dB, `-20 log10(relativeL2)`.
  package var sqnr: Double { -20 * log10(relativeL2) }

  /// Measures that were taken.
  init(relativeL2: Double, maxAbs: Double, cosine: Double) {
    self.relativeL2 = relativeL2
    self.maxAbs = maxAbs
    self.cosine = cosine
  }

  /// Compares two values element by element, with sums in double precision.
  ///
  /// A value that is not a number makes every measure one: it never passes a tolerance.
  package init(_ a: UnsafeBufferPointer<Float>, reference b: UnsafeBufferPointer<Float>) {
    var sums = MeasureSums()
    sums.add(a, reference: b)
    self = sums.measures
  }

  /// Compares the first rows of `a` with all of `reference`.
  package init(_ a: FloatMatrix, reference: FloatMatrix) {
    let count = reference.rows * reference.columns
    let available = min(count, a.rows * a.columns)
    self.init(
      UnsafeBufferPointer(start: a.pointer, count: available),
      reference: UnsafeBufferPointer(start: reference.pointer, count: count))
  }
}
