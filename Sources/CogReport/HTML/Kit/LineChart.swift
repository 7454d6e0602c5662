/// Several series along the layers, with tolerance lines and a layer that is pointed out.
///
/// A value that is nil is a gap in the line. On a logarithmic scale zeros stand on a rail below the scale;
/// NaN and infinity stand as crosses on a rail above it, where they are seen at once. Pointing at a layer
/// shows all of its values.
package struct LineChart: PagePart {
  /// A dashed line that the values of a series are held to.
  package struct Limit: Sendable {
    /// What the legend says.
    package let name: String
    /// The series, by its place, whose color the limit takes.
    package let series: Int
    /// The limit at each point, so that it may differ from part to part; nil where there is none.
    package let values: [Double?]

    /// A dashed line.
    package init(name: String, series: Int, values: [Double?]) {
      self.name = name
      self.series = series
      self.values = values
    }
  }

  let title: String
  let caption: String?
  let points: [LayerPoint]
  let series: [ChartSeries]
  let limits: [Limit]
  let valueLabel: String
  let pointLabel: String
  let scale: AxisScale
  let style: NumberStyle
  let highlight: (index: Int, label: String)?

  /// A line chart.
  ///
  /// - Parameters:
  ///   - points: the places along the horizontal axis, in order.
  ///   - series: up to eight lines, each with a value for each point.
  ///   - limits: tolerance lines.
  ///   - valueLabel: what the vertical axis counts, with its unit.
  ///   - pointLabel: what the horizontal axis counts.
  ///   - highlight: the point to point out, by its place, and what to write beside it.
  package init(
    title: String, caption: String? = nil, points: [LayerPoint], series: [ChartSeries], limits: [Limit] = [],
    valueLabel: String, pointLabel: String = "layer", scale: AxisScale = .logarithmic,
    style: NumberStyle = .scientific, highlight: (index: Int, label: String)? = nil
  ) {
    self.title = title
    self.caption = caption
    self.points = points
    self.series = series
    self.limits = limits
    self.valueLabel = valueLabel
    self.pointLabel = pointLabel
    self.scale = scale
    self.style = style
    self.highlight = highlight.flatMap { points.indices.contains($0.index) ? $0 : nil }
  }

  /// The chart as HTML.
  package func markup() throws -> Markup {
    let keys =
      series.enumerated().map { Figure.Key(name: $1.name, sign: .line, color: Figure.color($0)) }
      + limits.map { Figure.Key(name: $0.name, sign: .limit, color: Figure.color($0.series)) }
    return try Figure(title: title, caption: caption, keys: keys) { width in
      try LineChartLayout(chart: self, width: width).markup()
    }.markup()
  }
}
