/// One line or one kind of bar of a chart, with its own color.
package struct ChartSeries: Sendable {
  /// What the legend says.
  package let name: String
  /// A value for each point or category; nil where there is none.
  package let values: [Double?]

  /// One line or one kind of bar.
  package init(name: String, values: [Double?]) {
    self.name = name
    self.values = values
  }
}
