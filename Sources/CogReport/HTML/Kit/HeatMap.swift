import Foundation

/// A value for each cell of a grid as a shade, such as the largest magnitude of each channel in each layer.
///
/// A value that is nil is left open with a dashed edge; NaN and infinity are drawn in the color of faults.
package struct HeatMap: PagePart {
  /// One row of cells.
  package struct Row: Sendable {
    /// The whole name; tooltips show it.
    package let name: String
    /// What stands at the left; left out where rows are too close.
    package let label: String
    /// A value for each column; nil where there is none.
    package let values: [Double?]
    /// Whether the row is pointed out.
    package let isFault: Bool

    /// One row of cells.
    package init(name: String, label: String, values: [Double?], isFault: Bool = false) {
      self.name = name
      self.label = label
      self.values = values
      self.isFault = isFault
    }
  }

  let title: String
  let caption: String?
  let rows: [Row]
  let columns: [String]
  let columnLabel: String
  let valueLabel: String
  let scale: AxisScale
  let spanning: ClosedRange<Double>?
  let style: NumberStyle

  /// Shades that the style sheet has, from the lowest to the highest.
  static let shades = 12
  /// Grids with more cells than this have a tooltip for each row instead of each cell, which keeps the page
  /// small.
  package static let mostTooltips = 8000

  /// A heat map.
  ///
  /// - Parameters:
  ///   - rows: from the top, each with a value for each column.
  ///   - columns: what the columns are, for tooltips and, where they fit, below the grid.
  ///   - columnLabel: what the columns count.
  ///   - valueLabel: what the shades show, with its unit.
  ///   - spanning: values that the shades reach over at least, so that values that hardly differ look alike.
  package init(
    title: String, caption: String? = nil, rows: [Row], columns: [String], columnLabel: String,
    valueLabel: String, scale: AxisScale = .logarithmic, spanning: ClosedRange<Double>? = nil,
    style: NumberStyle = .plain
  ) {
    self.title = title
    self.caption = caption
    self.rows = rows
    self.columns = columns
    self.columnLabel = columnLabel
    self.valueLabel = valueLabel
    self.scale = scale
    self.spanning = spanning
    self.style = style
  }

  /// The map as HTML.
  package func markup() throws -> Markup {
    try Figure(title: title, caption: caption) { width in
      try HeatMapLayout(map: self, width: width).markup()
    }.markup()
  }
}

/// Where the cells of a heat map go for a width.
struct HeatMapLayout {
  private let map: HeatMap
  private let width: Double
  private let left: Double
  private let labelWidth: Double
  private let cellWidth: Double
  private let cellHeight: Double
  private let low: Double
  private let high: Double
  private let top = 40.0

  init(map: HeatMap, width: Double) {
    self.map = map
    self.width = width
    labelWidth = min(map.rows.map { textWidth($0.label, isBold: $0.isFault) }.max() ?? 0, width * 0.3)
    left = labelWidth + 10
    cellWidth = (width - left - 8) / Double(max(map.columns.count, 1))
    cellHeight = min(18, max(7, 700 / Double(max(map.rows.count, 1))))
    let bounds = map.spanning.map { [$0.lowerBound, $0.upperBound] } ?? []
    let values = map.rows.flatMap(\.values).compactMap { $0 }.filter(\.isFinite) + bounds
    let placed = map.scale == .logarithmic ? values.filter { $0 > 0 }.map(log10) : values
    low = placed.min() ?? 0
    high = max(placed.max() ?? 1, low + 1e-12)
  }

  private func shade(_ value: Double) -> Int {
    let place = map.scale == .logarithmic ? (value > 0 ? log10(value) : low) : value
    return min(HeatMap.shades - 1, max(0, Int((place - low) / (high - low) * Double(HeatMap.shades))))
  }

  func markup() throws -> Markup {
    let bottom = top + cellHeight * Double(map.rows.count)
    let hasTips = map.rows.count * map.columns.count <= HeatMap.mostTooltips
    let columnAxis = LayerAxis(
      points: map.columns.map { LayerPoint(name: $0, label: $0) }, from: left, to: width - 8)
    return try Self.template.render([
      "width": pixels(width), "height": pixels(bottom + 38), "label": map.title, "valueLabel": map.valueLabel,
      "columnLabel": map.columnLabel, "middle": pixels((left + width - 8) / 2), "nameY": pixels(bottom + 32),
      "tickY": pixels(bottom + 14), "legend": legend, "lowX": pixels(left), "lowText": bound(low),
      "highX": pixels(left + Double(HeatMap.shades) * 12 + textWidth(bound(low)) + 12),
      "highText": bound(high),
      "labelX": pixels(left - 6), "rows": map.rows.enumerated().map { row($1, index: $0, hasTips: hasTips) },
      "columns": columnAxis.labeled().map {
        ["x": pixels(columnAxis.labelPosition($0)), "text": map.columns[$0]]
      },
    ])
  }

  private func bound(_ place: Double) -> String {
    map.style.text(map.scale == .logarithmic ? pow(10, place) : place)
  }

  private var legend: [[String: Any]] {
    (0..<HeatMap.shades).map {
      ["x": pixels(left + textWidth(bound(low)) + 6 + Double($0) * 12), "shade": $0]
    }
  }

  private func row(_ row: HeatMap.Row, index: Int, hasTips: Bool) -> [String: Any] {
    let y = top + Double(index) * cellHeight
    // Where rows are lower than text, every n-th has its label, and those that are pointed out.
    let every = max(1, Int((12 / cellHeight).rounded(.up)))
    let isLabeled = row.isFault || index.isMultiple(of: every)
    let cells: [[String: Any]] = row.values.enumerated().map { column, value in
      let name = column < map.columns.count ? map.columns[column] : "\(column)"
      let text = value.map(map.style.text) ?? "none"
      let shade = value.map { $0.isFinite ? "h\(self.shade($0))" : "hbad" } ?? "gap"
      let tip = "\(row.name)\n\(map.columnLabel) \(name): \(text)"
      return [
        "x": pixels(left + Double(column) * cellWidth), "shade": shade,
        // A hair wider than its place, so that no seams show between neighbors.
        "w": pixels(cellWidth + (cellWidth > 4 ? -0.6 : 0.2)), "tips": hasTips ? [tip] : [],
      ]
    }
    let finite = row.values.compactMap { $0 }
    let rowTip =
      "\(row.name)\n\(finite.count) values, \(map.style.text(finite.min() ?? .nan)) to "
      + map.style.text(finite.max() ?? .nan)
    return [
      "y": pixels(y), "h": pixels(cellHeight - (cellHeight > 9 ? 0.8 : 0)), "cells": cells,
      "isLabeled": isLabeled, "isFault": row.isFault,
      "rowLabel": shortened(row.label, toWidth: labelWidth, isBold: row.isFault),
      "textY": pixels(y + cellHeight / 2 + 4), "left": pixels(left), "rowWidth": pixels(width - left - 8),
      "rowTips": hasTips ? [] : [rowTip],
    ]
  }

  private static let template = Template(
    """
    <svg viewBox="0 0 {{width}} {{height}}" role="img" aria-label="{{label}}">
    <text x="2" y="12">{{valueLabel}}</text>
    <text x="{{lowX}}" y="30">{{lowText}}</text><text x="{{highX}}" y="30">{{highText}}</text>
    {{#legend}}<rect class="h{{shade}}" x="{{x}}" y="21" width="12" height="11"/>{{/legend}}
    {{#rows}}{{#isLabeled}}<text{{#isFault}} class="fault"{{/isFault}} x="{{labelX}}" y="{{textY}}" \
    text-anchor="end">\
    {{rowLabel}}</text>{{/isLabeled}}
    {{#cells}}<rect class="{{shade}}" x="{{x}}" y="{{y}}" width="{{w}}" height="{{h}}">\
    {{#tips}}<title>{{.}}</title>{{/tips}}</rect>{{/cells}}
    {{#rowTips}}<rect class="hit" x="{{left}}" y="{{y}}" width="{{rowWidth}}" height="{{h}}">\
    <title>{{.}}</title></rect>{{/rowTips}}\
    {{#isFault}}<rect class="faultbox" x="{{left}}" y="{{y}}" width="{{rowWidth}}" height="{{h}}"/>\
    {{/isFault}}{{/rows}}
    {{#columns}}<text x="{{x}}" y="{{tickY}}" text-anchor="middle">{{text}}</text>{{/columns}}
    <text x="{{middle}}" y="{{nameY}}" text-anchor="middle">{{columnLabel}}</text>
    </svg>
    """)
}
