import Glibc

/// What the measures of one value against another are made of, `a` what is tested and `b` the reference,
/// summed in double precision. Formulas: `Formats/references.md`, "Measures".
package struct DifferenceSums: Equatable, Sendable {
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

  /// Of no elements.
  package init() {}

  /// Adds the sums of other elements.
  package mutating func add(_ other: DifferenceSums) {
    squaredDifference += other.squaredDifference
    squaresA += other.squaresA
    squaresB += other.squaresB
    products += other.products
    largest = max(largest, other.largest)
  }

  /// `|a - b| / |b|`; where b is zero, 0 if a is too, else infinite.
  package var relativeL2: Double {
    squaresB > 0 ? (squaredDifference / squaresB).squareRoot() : (squaredDifference > 0 ? .infinity : 0)
  }

  /// Signal to noise in dB, `-20 log10(relativeL2)`; infinite for equal values.
  package var sqnr: Double { -20 * log10(relativeL2) }

  /// `a . b / (|a| |b|)`; where either is zero, 1 if both are, else 0. Exactly 1 for equal values: the root
  /// is taken of the product, and sums of squares of float32 are far from where that would overflow.
  package var cosine: Double {
    squaresA > 0 && squaresB > 0
      ? products / (squaresA * squaresB).squareRoot() : (squaresA == squaresB ? 1 : 0)
  }
}
