/// One line or one kind of bar of a chart, with its own color.
public struct ChartSeries: Sendable {
  /// What the legend says.
  public let name: String
  /// A value for each point or category; nil where there is none.
  public let values: [Double?]

  /// One line or one kind of bar.
  public init(name: String, values: [Double?]) {
    self.name = name
    self.values = values
  }
}
