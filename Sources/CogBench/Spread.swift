/// What several runs of one measurement gave.
package struct Spread: Equatable, Sendable, Codable {
  /// The value in the middle; of an even number of values the mean of the two there.
  package let median: Double
  /// The smallest value.
  package let minimum: Double
  /// The largest value.
  package let maximum: Double

  /// The spread of values, or nil of none.
  package init?(_ values: [Double]) {
    let sorted = values.sorted()
    guard let first = sorted.first, let last = sorted.last else { return nil }
    let upper = sorted.count / 2
    median = sorted.count % 2 == 1 ? sorted[upper] : (sorted[upper - 1] + sorted[upper]) / 2
    minimum = first
    maximum = last
  }
}
