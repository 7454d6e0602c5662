/// What several runs of one measurement gave.
public struct Spread: Equatable, Sendable, Codable {
  /// The value in the middle; of an even number of values the mean of the two there.
  public let median: Double
  /// The smallest value.
  public let minimum: Double
  /// The largest value.
  public let maximum: Double

  /// The spread of values, or nil of none.
  public init?(_ values: [Double]) {
    let sorted = values.sorted()
    guard let first = sorted.first, let last = sorted.last else { return nil }
    let upper = sorted.count / 2
    median = sorted.count % 2 == 1 ? sorted[upper] : (sorted[upper - 1] + sorted[upper]) / 2
    minimum = first
    maximum = last
  }
}
