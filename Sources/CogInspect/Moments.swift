package import CKernels

/// How many values there are, their mean, and the sums of the second, third and fourth powers of their
/// distances from it, in double precision.
///
/// Moments of parts of the data are merged in a fixed order, so that nothing depends on the number of
/// threads. Source of the update: P. Pébay, Formulas for robust, one-pass parallel computation of covariances
/// and arbitrary-order statistical moments, SAND2008-6212.
package struct Moments: Equatable, Sendable {
  package private(set) var count = 0
  package private(set) var mean = 0.0
  private var sum2 = 0.0
  private var sum3 = 0.0
  private var sum4 = 0.0

  /// Of no values.
  package init() {}

  /// Of one run of values, as the kernels give them.
  package init(_ moments: CogMoments) {
    (count, mean) = (moments.count, moments.mean)
    (sum2, sum3, sum4) = (moments.sum2, moments.sum3, moments.sum4)
  }

  /// Of values and how often each occurs, in the order given.
  package init(_ values: [(value: Double, count: Int)]) {
    count = values.reduce(0) { $0 + $1.count }
    guard count > 0 else { return }
    mean = values.reduce(0) { $0 + $1.value * Double($1.count) } / Double(count)
    for (value, count) in values {
      let square = (value - mean) * (value - mean) * Double(count)
      sum2 += square
      sum3 += square * (value - mean)
      sum4 += square * (value - mean) * (value - mean)
    }
  }

  /// Adds the moments of other values.
  package mutating func merge(_ other: Moments) {
    guard count > 0, other.count > 0 else {
      if count == 0 { self = other }
      return
    }
    let (n, a, b) = (Double(count + other.count), Double(count), Double(other.count))
    let delta = other.mean - mean
    let (square, product) = (delta * delta, a * b)
    sum4 +=
      other.sum4 + square * square * product * (a * a - product + b * b) / (n * n * n)
      + 6 * square * (a * a * other.sum2 + b * b * sum2) / (n * n)
      + 4 * delta * (a * other.sum3 - b * sum3) / n
    sum3 +=
      other.sum3 + square * delta * product * (a - b) / (n * n) + 3 * delta * (a * other.sum2 - b * sum2) / n
    sum2 += other.sum2 + square * product / n
    mean += delta * b / n
    count += other.count
  }

  /// Mean squared distance from the mean (of the whole population); nil for no values.
  package var variance: Double? { count > 0 ? sum2 / Double(count) : nil }

  /// The fourth standardized moment, 3 for a normal distribution; nil where all values are equal.
  package var kurtosis: Double? { sum2 > 0 ? sum4 * Double(count) / sum2 / sum2 : nil }
}
