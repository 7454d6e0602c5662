import Foundation

/// One small histogram for each layer, one below the other over a common axis, so that a layer whose values
/// differ from its neighbors' stands out.
package struct HistogramStrips: PagePart {
  /// The histogram of one layer.
  package struct Row: Sendable {
    /// The whole name; the tooltip shows it.
    package let name: String
    /// What stands at the left.
    package let label: String
    /// Bounds of the bins, ascending, one more than `counts`. Rows may have different bounds.
    package let edges: [Double]
    /// How many values lie in each bin.
    package let counts: [Double]
    /// Values to mark with an upright tick, such as percentiles.
    package let marks: [Double]
    /// More for the tooltip, such as "3 NaN".
    package let note: String?
    /// Whether the row is pointed out.
    package let isFault: Bool

    /// The histogram of one layer.
    package init(
      name: String, label: String, edges: [Double], counts: [Double], marks: [Double] = [],
      note: String? = nil,
      isFault: Bool = false
    ) {
      self.name = name
      self.label = label
      self.edges = edges
      self.counts = counts
      self.marks = marks
      self.note = note
      self.isFault = isFault
    }
  }

  /// How heights follow counts.
  package enum Heights: Sendable {
    /// Height is the share of the row's largest count.
    case linear
    /// Height is the logarithm of the count, so that single outliers are seen.
    case logarithmic
  }

  let title: String
  let caption: String?
  let valueLabel: String
  let scale: AxisScale
  let heights: Heights
  let rows: [Row]
  let style: NumberStyle

  /// Histogram strips.
  ///
  /// - Parameters:
  ///   - valueLabel: what the horizontal axis counts, with its unit.
  ///   - scale: of the horizontal axis; bins that are not above 0 are left out of a logarithmic one.
  ///   - rows: from the top; one without counts is drawn as a gap.
  package init(
    title: String, caption: String? = nil, valueLabel: String, scale: AxisScale = .linear,
    heights: Heights = .linear, rows: [Row], style: NumberStyle = .plain
  ) {
    self.title = title
    self.caption = caption
    self.valueLabel = valueLabel
    self.scale = scale
    self.heights = heights
    self.rows = rows
    self.style = style
  }

  /// The strips as HTML.
  package func markup() throws -> Markup {
    try Figure(title: title, caption: caption) { try drawing(width: $0) }.markup()
  }

  private static let rowHeight = 19.0

  private func drawing(width: Double) throws -> Markup {
    let labelWidth = min(rows.map { textWidth($0.label, isBold: $0.isFault) }.max() ?? 0, width * 0.3)
    let (left, right) = (labelWidth + 10, width - 14)
    let bottom = 18 + Double(rows.count) * Self.rowHeight
    let bounds = rows.flatMap { $0.edges + $0.marks }.filter { scale == .linear || $0 > 0 }
    let axis = ValueAxis(values: bounds.filter(\.isFinite), scale: scale, from: left, to: right, style: style)
    return try Self.template.render([
      "width": pixels(width), "height": pixels(bottom + 40), "label": title, "valueLabel": valueLabel,
      "middle": pixels((left + right) / 2), "top": "14", "bottom": pixels(bottom),
      "tickY": pixels(bottom + 15),
      "nameY": pixels(bottom + 32), "left": pixels(left), "right": pixels(right), "textX": pixels(left - 6),
      "rowHeight": pixels(Self.rowHeight), "rowWidth": pixels(width),
      "ticks": spread(axis.ticks).map { ["x": pixels($0.position), "tick": $0.label] },
      "rows": rows.enumerated().map { index, row in
        self.row(row, base: 18 + Double(index + 1) * Self.rowHeight - 2, axis: axis, labelWidth: labelWidth)
      },
    ])
  }

  /// The ticks whose labels do not touch.
  private func spread(_ ticks: [ValueAxis.Tick]) -> [ValueAxis.Tick] {
    var end = -Double.infinity
    return ticks.filter { tick in
      let half = textWidth(tick.label) / 2
      guard tick.position - half > end + 4 else { return false }
      end = tick.position + half
      return true
    }
  }

  private func row(_ row: Row, base: Double, axis: ValueAxis, labelWidth: Double) -> [String: Any] {
    let largest = row.counts.max() ?? 0
    var path = ""
    for (bin, count) in row.counts.enumerated() where count > 0 && bin + 1 < row.edges.count {
      guard axis.isOnScale(row.edges[bin]), axis.isOnScale(row.edges[bin + 1]) else { continue }
      let share = heights == .linear ? count / largest : log(1 + count) / log(1 + largest)
      let (x0, x1) = (axis.position(row.edges[bin]), axis.position(row.edges[bin + 1]))
      // A bin with something in it is seen, however little that is.
      let height = max(0.8, share * (Self.rowHeight - 4))
      path +=
        "M\(pixels(x0)) \(pixels(base))V\(pixels(base - height))"
        + "H\(pixels(max(x1, x0 + 0.6)))V\(pixels(base))Z"
    }
    let marks = row.marks.filter(axis.isOnScale).map { mark in
      "M\(pixels(axis.position(mark))) \(pixels(base))v-\(pixels(Self.rowHeight - 6))"
    }.joined()
    let total = row.counts.reduce(0, +)
    let span =
      row.edges.first.flatMap { first in row.edges.last.map { "\(style.text(first)) to \(style.text($0))" } }
      ?? "no values"
    let tip = ["\(row.name)", "\(NumberStyle.plain.text(total)) values, \(span)", row.note].compactMap { $0 }
    return [
      "base": pixels(base), "textY": pixels(base - 3), "rowTop": pixels(base + 2 - Self.rowHeight), "d": path,
      "marks": marks, "isEmpty": path.isEmpty, "isFault": row.isFault, "tip": tip.joined(separator: "\n"),
      "rowLabel": shortened(row.label, toWidth: labelWidth, isBold: row.isFault),
    ]
  }

  private static let template = Template(
    """
    <svg viewBox="0 0 {{width}} {{height}}" role="img" aria-label="{{label}}">
    {{#ticks}}<line class="gridline" x1="{{x}}" y1="{{top}}" x2="{{x}}" y2="{{bottom}}"/>\
    <text x="{{x}}" y="{{tickY}}" text-anchor="middle">{{tick}}</text>{{/ticks}}
    <text x="{{middle}}" y="{{nameY}}" text-anchor="middle">{{valueLabel}}</text>
    {{#rows}}{{#isFault}}<rect class="faultband" x="0" y="{{rowTop}}" width="{{rowWidth}}" \
    height="{{rowHeight}}"/>{{/isFault}}\
    <text{{#isFault}} class="fault"{{/isFault}} x="{{textX}}" y="{{textY}}" text-anchor="end">\
    {{rowLabel}}</text>\
    <line class="{{#isEmpty}}gap{{/isEmpty}}{{^isEmpty}}axis{{/isEmpty}}" x1="{{left}}" y1="{{base}}" \
    x2="{{right}}" y2="{{base}}"/>\
    <path class="f1" d="{{d}}"/><path class="tick" d="{{marks}}"/>\
    <rect class="hit" x="0" y="{{rowTop}}" width="{{rowWidth}}" height="{{rowHeight}}">\
    <title>{{tip}}</title></rect>{{/rows}}
    </svg>
    """)
}
