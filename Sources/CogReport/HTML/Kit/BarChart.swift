/// Horizontal bars, one line for each category: the pieces of a whole side by side (stacked), or several bars
/// below each other (grouped). For figures of different units use two charts in ``Columns``.
package struct BarChart: PagePart {
  /// How the bars of a category stand.
  package enum Arrangement: Sendable {
    /// One behind the other: they add up.
    case stacked
    /// One below the other.
    case grouped
  }

  let title: String
  let caption: String?
  let categories: [String]
  let series: [ChartSeries]
  let arrangement: Arrangement
  let ranges: [ClosedRange<Double>?]
  let valueLabel: String
  let style: NumberStyle

  /// A bar chart.
  ///
  /// - Parameters:
  ///   - categories: the lines from the top, such as the parts of a model.
  ///   - series: up to eight kinds of bars, each with a value for each category, not negative.
  ///   - ranges: lines over the bars of the first kind, such as intervals, one for each category; nil draws
  ///     none.
  ///   - valueLabel: what the bars show, with its unit.
  package init(
    title: String, caption: String? = nil, categories: [String], series: [ChartSeries],
    arrangement: Arrangement = .grouped, ranges: [ClosedRange<Double>?] = [], valueLabel: String,
    style: NumberStyle = .plain
  ) {
    self.title = title
    self.caption = caption
    self.categories = categories
    self.series = series
    self.arrangement = arrangement
    self.ranges = ranges
    self.valueLabel = valueLabel
    self.style = style
  }

  /// The chart as HTML.
  package func markup() throws -> Markup {
    // A single kind of bar is named by the title.
    let keys =
      series.count < 2
      ? []
      : series.enumerated().map {
        Figure.Key(name: $1.name, sign: .area, color: Figure.color($0))
      }
    return try Figure(title: title, caption: caption, keys: keys) { try drawing(width: $0) }.markup()
  }

  private func value(_ series: ChartSeries, _ category: Int) -> Double? {
    category < series.values.count ? series.values[category] : nil
  }

  /// What stands at the end of a category's bar: the sum of a stack, or nothing where bars have their own.
  private func total(_ category: Int) -> Double? {
    let values = series.compactMap { value($0, category) }
    return values.isEmpty ? nil : values.reduce(0, +)
  }

  private static let barHeight = 15.0

  private func drawing(width: Double) throws -> Markup {
    let labelWidth = min(categories.map { textWidth($0, isBold: true) }.max() ?? 0, width * 0.42)
    let left = labelWidth + 10
    let sums = categories.indices.compactMap(total)
    let ends = arrangement == .stacked ? sums : series.flatMap(\.values).compactMap { $0 }
    let room = (ends.map { textWidth(style.text($0)) }.max() ?? 0) + 12
    let axis = ValueAxis(
      values: (ends + ranges.compactMap { $0?.upperBound }).filter(\.isFinite), scale: .linear, from: left,
      to: width - room, style: style,
      includesZero: true)
    let lines = arrangement == .stacked ? 1 : max(series.count, 1)
    let slot = Double(lines) * Self.barHeight + 9
    let bottom = 8 + slot * Double(categories.count)
    let ticks = axis.ticks.filter { $0.position < width - textWidth($0.label) / 2 }
    let gap = ticks.count > 1 ? ticks[1].position - ticks[0].position : width
    let widest = (ticks.map { textWidth($0.label) }.max() ?? 0) + 6
    let every = max(1, Int((widest / max(gap, 1)).rounded(.up)))
    return try Self.template.render([
      "width": pixels(width), "height": pixels(bottom + 38), "label": title, "valueLabel": valueLabel,
      "middle": pixels((left + width - room) / 2), "bottom": pixels(bottom), "tickY": pixels(bottom + 14),
      "nameY": pixels(bottom + 31), "left": pixels(left), "labelX": pixels(left - 6),
      "barHeight": pixels(Self.barHeight - 2),
      "ticks": ticks.enumerated().map {
        ["x": pixels($1.position), "tick": $0.isMultiple(of: every) ? $1.label : ""]
      },
      "categories": categories.enumerated().map { index, name in
        [
          "category": shortened(name, toWidth: labelWidth, isBold: true),
          "textY": pixels(8 + slot * (Double(index) + 0.5)),
          "bars": bars(index, top: 8 + slot * Double(index) + 4, axis: axis),
        ] as [String: Any]
      },
    ])
  }

  private func bars(_ category: Int, top: Double, axis: ValueAxis) -> [[String: Any]] {
    var sum = 0.0
    let last = series.lastIndex { value($0, category) != nil }
    return series.enumerated().compactMap { index, series in
      guard let value = value(series, category) else { return nil }
      let (start, end) = arrangement == .stacked ? (sum, sum + value) : (0, value)
      sum += value
      let line = arrangement == .stacked ? 0 : Double(index)
      let (x0, x1) = (axis.position(start.isFinite ? start : 0), axis.position(end))
      let y = top + line * Self.barHeight
      let isEnd = arrangement == .grouped || index == last
      let range = index == 0 && category < ranges.count ? ranges[category] : nil
      let farthest = max(x1, range.map { axis.position($0.upperBound) } ?? x1)
      return [
        "ranges": range.map { range in
          [
            [
              "from": pixels(axis.position(range.lowerBound)), "to": pixels(axis.position(range.upperBound)),
              "at": pixels(y + Self.barHeight / 2 - 1),
            ]
          ]
        } ?? [],
        "x": pixels(x0), "y": pixels(y), "w": pixels(max(x1 - x0, value > 0 ? 0.6 : 0)),
        "color": Figure.color(index),
        "tip": "\(categories[category]), \(series.name): \(style.text(value))", "endX": pixels(farthest + 5),
        "endY": pixels(y + Self.barHeight - 5), "ends": isEnd ? [style.text(end)] : [],
      ]
    }
  }

  private static let template = Template(
    """
    <svg viewBox="0 0 {{width}} {{height}}" role="img" aria-label="{{label}}">
    {{#ticks}}<line class="gridline" x1="{{x}}" y1="4" x2="{{x}}" y2="{{bottom}}"/>\
    <text x="{{x}}" y="{{tickY}}" text-anchor="middle">{{tick}}</text>{{/ticks}}
    {{#categories}}<text class="strong" x="{{labelX}}" y="{{textY}}" dy="4" text-anchor="end">\
    {{category}}</text>
    {{#bars}}<rect class="f{{color}}" x="{{x}}" y="{{y}}" width="{{w}}" height="{{barHeight}}">\
    <title>{{tip}}</title></rect>\
    {{#ranges}}<line class="tick" x1="{{from}}" y1="{{at}}" x2="{{to}}" y2="{{at}}"/>{{/ranges}}\
    {{#ends}}<text x="{{endX}}" y="{{endY}}">{{.}}</text>{{/ends}}{{/bars}}{{/categories}}
    <line class="axis" x1="{{left}}" y1="4" x2="{{left}}" y2="{{bottom}}"/>
    <text x="{{middle}}" y="{{nameY}}" text-anchor="middle">{{valueLabel}}</text>
    </svg>
    """)
}
