import Glibc

/// The finite values of a distribution from the smallest to the largest, and what follows from them.
struct Distribution {
  /// Values and how often each occurs, ascending.
  let values: [(value: Double, count: Int)]
  /// The number of finite values.
  let count: Int
  let nanCount: Int
  let infiniteCount: Int
  /// Their magnitudes, ascending, each with the number of values up to it.
  private let magnitudes: [(value: Double, upTo: Int)]

  init(_ counts: ValueCounts) {
    var (negative, positive): ([(value: Double, count: Int)], [(value: Double, count: Int)]) = ([], [])
    var (nan, infinite) = (0, 0)
    for (bits, count) in counts.patterns {
      let value = Float(bitPattern: bits)
      if value.isNaN {
        nan += count
      } else if value.isInfinite {
        infinite += count
      } else if bits >> 31 == 1 && value != 0 {
        negative.append((Double(value), count))
      } else if value == 0, positive.first?.value == 0 {
        positive[0].count += count  // the other zero
      } else if value == 0 {
        positive.insert((0, count), at: 0)
      } else {
        positive.append((Double(value), count))
      }
    }
    values = negative.reversed() + positive
    (nanCount, infiniteCount) = (nan, infinite)
    var upTo = 0
    magnitudes = Self.mergeMagnitudes(negative, positive).map { value, count in
      upTo += count
      return (value, upTo)
    }
    count = upTo
  }

  /// Joins two ascending lists of magnitudes; `negative` holds values below 0 with rising distance from it.
  private static func mergeMagnitudes(
    _ negative: [(value: Double, count: Int)], _ positive: [(value: Double, count: Int)]
  ) -> [(value: Double, count: Int)] {
    var merged: [(value: Double, count: Int)] = []
    merged.reserveCapacity(negative.count + positive.count)
    var (i, j) = (0, 0)
    while i < negative.count || j < positive.count {
      let left = i < negative.count ? -negative[i].value : .infinity
      let right = j < positive.count ? positive[j].value : .infinity
      merged.append(
        (min(left, right), (left <= right ? negative[i].count : 0) + (right <= left ? positive[j].count : 0)))
      if left <= right { i += 1 }
      if right <= left { j += 1 }
    }
    return merged
  }

  /// A percentile of the magnitudes, interpolated linearly between the two next to it (numpy's default); nil
  /// for no values.
  func percentile(_ percent: Double) -> Double? {
    guard count > 0 else { return nil }
    let place = Double(count - 1) * percent / 100
    let low = magnitude(at: Int(place))
    let high = magnitude(at: min(Int(place) + 1, count - 1))
    return low + (high - low) * (place - place.rounded(.down))
  }

  /// The magnitude at a place of the ascending order, by bisection.
  private func magnitude(at place: Int) -> Double {
    var (low, high) = (0, magnitudes.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if magnitudes[middle].upTo > place { high = middle } else { low = middle + 1 }
    }
    return magnitudes[low].value
  }

  /// Counts in bins of equal width from `minimum` to `maximum`, the last one closed; a single value is put in
  /// the middle of a range of width 1 (as numpy does). Nil for no values.
  func histogram(minimum: Double, maximum: Double, bins: Int) -> Histogram? {
    guard count > 0 else { return nil }
    let (low, high) = minimum < maximum ? (minimum, maximum) : (minimum - 0.5, maximum + 0.5)
    let step = (high - low) / Double(bins)
    var counts = [Int](repeating: 0, count: bins)
    var bin = 0
    for (value, count) in values {
      while bin + 1 < bins, value >= low + Double(bin + 1) * step { bin += 1 }
      counts[bin] += count
    }
    return Histogram(minimum: low, maximum: high, counts: counts)
  }

  /// Counts by power of two: how many values have 2^e <= |x| < 2^(e+1). Nil where all are 0.
  var exponents: ExponentHistogram? {
    var counts: [Int: Int] = [:]
    for (value, count) in values where value != 0 { counts[Int(value.exponent), default: 0] += count }
    guard let first = counts.keys.min(), let last = counts.keys.max() else { return nil }
    return ExponentHistogram(first: first, counts: (first...last).map { counts[$0] ?? 0 })
  }
}

/// Counts of values in bins of equal width.
package struct Histogram: Equatable, Sendable, Codable {
  /// Where the first bin begins.
  package let minimum: Double
  /// Where the last one ends, itself included.
  package let maximum: Double
  /// The number of values in each bin.
  package let counts: [Int]
}

/// Counts of values by power of two.
package struct ExponentHistogram: Equatable, Sendable, Codable {
  /// The exponent of the first count: values from 2^first up to 2^(first + 1).
  package let first: Int
  /// One count for each exponent from there on.
  package let counts: [Int]
}
