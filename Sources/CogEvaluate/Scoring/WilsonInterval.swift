/// The range of shares that a count does not speak against: the score interval of Wilson (1927) at 95 %.
package struct WilsonInterval: Equatable, Sendable, Codable {
  /// Its ends, from 0 to 1.
  package let low: Double
  package let high: Double

  /// 97.5 % of a normal distribution lie below.
  private static let z = 1.959963984540054

  /// The interval of `successes` among `count` tries; nil where nothing was tried.
  package init?(_ successes: Int, of count: Int) {
    guard count > 0 else { return nil }
    let (n, z) = (Double(count), Self.z)
    let share = Double(successes) / n
    let center = share + z * z / (2 * n)
    let spread = z * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
    let scale = 1 + z * z / n
    (low, high) = (max(0, (center - spread) / scale), min(1, (center + spread) / scale))
  }
}
