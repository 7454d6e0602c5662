import Glibc

/// What the measures of one value against another are made of, `a` what is tested and `b` the reference, summed in double
/// precision. Formulas: `Formats/references.md`, "Measures".
public struct DifferenceSums: Equatable, Sendable {
  /// The sum of `(a - b)^2`.
  public var squaredDifference = 0.0
  /// The sum of `a^2`.
  public var squaresA = 0.0
  /// The sum of `b^2`.
  public var squaresB = 0.0
  /// The sum of `a b`.
  public var products = 0.0
  /// The largest `|a - b|`.
  public var largest = 0.0

  /// Of no elements.
  public init() {}

  /// Adds the sums of other elements.
  public mutating func add(_ other: DifferenceSums) {
    squaredDifference += other.squaredDifference
    squaresA += other.squaresA
    squaresB += other.squaresB
    products += other.products
    largest = max(largest, other.largest)
  }

  /// `|a - b| / |b|`; where b is zero, 0 if a is too, else infinite.
  public var relativeL2: Double {
    squaresB > 0 ? (squaredDifference / squaresB).squareRoot() : (squaredDifference > 0 ? .infinity : 0)
  }

  /// Signal to noise in dB, `-20 log10(relativeL2)`; infinite for equal values.
  public var sqnr: Double { -20 * log10(relativeL2) }

  /// `a . b / (|a| |b|)`; where either is zero, 1 if both are, else 0. Exactly 1 for equal values: the root is taken of the
  /// product, and sums of squares of float32 are far from where that would overflow.
  public var cosine: Double {
    squaresA > 0 && squaresB > 0
      ? products / (squaresA * squaresB).squareRoot() : (squaresA == squaresB ? 1 : 0)
  }
}
