/// Where the pieces of a line chart go for a width.
struct LineChartLayout {
  private let chart: LineChart
  private let width: Double
  private let height: Double
  private let layers: LayerAxis
  private let axis: ValueAxis
  private let top: Double
  private let bottom: Double

  init(chart: LineChart, width: Double) {
    self.chart = chart
    self.width = width
    height = width > 600 ? 340 : 300
    // A line for the axis' title, and one for what is written beside the point that is pointed out.
    top = chart.highlight == nil ? 24 : 42
    bottom = height - 52
    let values = (chart.series.map(\.values) + chart.limits.map(\.values)).flatMap { $0 }.compactMap { $0 }
    axis = ValueAxis(values: values, scale: chart.scale, from: bottom, to: top, style: chart.style)
    let labels = axis.ticks.map { textWidth($0.label) }.max() ?? 0
    layers = LayerAxis(points: chart.points, from: labels + 14, to: width - 8)
  }

  func markup() throws -> Markup {
    var values: [String: Any?] = [
      "width": pixels(width), "height": pixels(height), "label": chart.title, "valueLabel": chart.valueLabel,
      "pointLabel": chart.pointLabel, "left": pixels(layers.from), "right": pixels(width - 8),
      "middle": pixels((layers.from + width - 8) / 2), "top": pixels(top), "bottom": pixels(bottom),
      "plotHeight": pixels(bottom - top), "tickY": pixels(bottom + 14), "groupY": pixels(bottom + 30),
      "nameY": pixels(bottom + 46), "tickX": pixels(layers.from - 6),
      "ticks": axis.ticks.map {
        ["y": pixels($0.position), "textY": pixels($0.position + 4), "tick": $0.label]
      },
      "bands": layers.bands.filter { !$0.name.isEmpty }.map(band),
      "lines": chart.series.enumerated().map { index, series in
        ["d": path(series.values), "color": Figure.color(index)] as [String: Any]
      },
      "marks": chart.series.enumerated().flatMap { marks($1.values, color: Figure.color($0)) },
      "limits": chart.limits.map {
        ["d": steps($0.values), "color": Figure.color($0.series)] as [String: Any]
      },
      "labels": labels, "hits": chart.points.indices.map(hit),
    ]
    values["fault"] = chart.highlight.map { fault($0.index, $0.label) }
    return try Self.template.render(values)
  }

  private func band(_ band: LayerAxis.Band) -> [String: Any] {
    let room = band.end - band.start
    return [
      "x": pixels(band.start), "w": pixels(room), "isShaded": band.isShaded,
      "mid": pixels((band.start + band.end) / 2),
      "group": shortened(band.name, toWidth: room, isBold: true),
      "hasRoom": room > 30,
    ]
  }

  private var labels: [[String: Any]] {
    let preferred = chart.highlight.map { [$0.index] } ?? []
    return layers.labeled(preferring: preferred).map {
      [
        "x": pixels(layers.labelPosition($0)), "text": chart.points[$0].label,
        "isFault": $0 == chart.highlight?.index,
      ]
    }
  }

  /// A line through the values that are on the scale; it breaks at gaps and at what is on a rail.
  private func path(_ values: [Double?]) -> String {
    var (result, isDown) = ("", false)
    for (index, value) in values.enumerated() {
      guard let value, axis.isOnScale(value) else {
        isDown = false
        continue
      }
      result += "\(isDown ? "L" : "M")\(pixels(layers.position(index))) \(pixels(axis.position(value)))"
      isDown = true
    }
    return result
  }

  /// A limit is a step over the width of each point, so that it is seen where it changes.
  private func steps(_ values: [Double?]) -> String {
    var (result, last) = ("", Double?.none)
    for (index, value) in values.enumerated() {
      defer { last = value }
      guard let value, axis.isOnScale(value) else { continue }
      let (x, y) = (layers.from + Double(index) * layers.spacing, pixels(axis.position(value)))
      if last != value { result += "M\(pixels(x)) \(y)" }
      // One line from where the value begins to where it ends, so that the dashes stay even.
      let next = index + 1 < values.count ? values[index + 1] : nil
      if next != value { result += "H\(pixels(x + layers.spacing))" }
    }
    return result
  }

  private func marks(_ values: [Double?], color: Int) -> [[String: Any]] {
    let radius = min(3.2, max(1.4, layers.spacing * 0.34))
    return values.enumerated().compactMap { index, value in
      guard let value else { return nil }
      let (x, y) = (layers.position(index), axis.position(value))
      guard value.isFinite else {
        let arm = 4.5
        let cross =
          "M\(pixels(x - arm)) \(pixels(y - arm))L\(pixels(x + arm)) \(pixels(y + arm))"
          + "M\(pixels(x - arm)) \(pixels(y + arm))L\(pixels(x + arm)) \(pixels(y - arm))"
        return ["cross": cross, "color": color]
      }
      let isOpen = !axis.isOnScale(value)
      return [
        "dot": ["x": pixels(x), "y": pixels(y), "r": pixels(radius), "sign": isOpen ? "open c" : "f"],
        "color": color,
      ]
    }
  }

  /// An invisible column over a point that says all of its values when it is pointed at.
  private func hit(_ index: Int) -> [String: Any] {
    let values = (chart.series.map { ($0.name, $0.values) } + chart.limits.map { ($0.name, $0.values) })
      .map { name, values in
        "\(name): \((index < values.count ? values[index] : nil).map(chart.style.text) ?? "none")"
      }
    return [
      "x": pixels(layers.from + Double(index) * layers.spacing), "w": pixels(layers.spacing),
      "tip": ([chart.points[index].name] + values).joined(separator: "\n"),
    ]
  }

  private func fault(_ index: Int, _ label: String) -> [String: Any] {
    let x = layers.position(index)
    let wide = max(layers.spacing, 8)
    // One size larger than other text.
    let half = textWidth(label, isBold: true) * 0.55
    let anchor = x - half < layers.from ? "start" : (x + half > width - 8 ? "end" : "middle")
    let textX = anchor == "start" ? min(x, width - 8 - 2 * half) : (anchor == "end" ? max(x, 2 * half) : x)
    return [
      "x": pixels(x - wide / 2), "w": pixels(wide), "line": pixels(x), "textX": pixels(max(textX, 4)),
      "anchor": anchor, "what": shortened(label, toWidth: (width - 20) / 1.1, isBold: true),
    ]
  }

  private static let template = Template(
    """
    <svg viewBox="0 0 {{width}} {{height}}" role="img" aria-label="{{label}}">
    {{#bands}}{{#isShaded}}<rect class="band" x="{{x}}" y="{{top}}" width="{{w}}" height="{{plotHeight}}"/>\
    {{/isShaded}}\
    {{#hasRoom}}<text class="strong" x="{{mid}}" y="{{groupY}}" text-anchor="middle">{{group}}</text>\
    {{/hasRoom}}{{/bands}}
    {{#ticks}}<line class="gridline" x1="{{left}}" y1="{{y}}" x2="{{right}}" y2="{{y}}"/>\
    <text x="{{tickX}}" y="{{textY}}" text-anchor="end">{{tick}}</text>{{/ticks}}
    <line class="axis" x1="{{left}}" y1="{{bottom}}" x2="{{right}}" y2="{{bottom}}"/>
    <text x="2" y="12">{{valueLabel}}</text>
    <text x="{{middle}}" y="{{nameY}}" text-anchor="middle">{{pointLabel}}</text>
    {{#fault}}<rect class="faultband" x="{{x}}" y="{{top}}" width="{{w}}" height="{{plotHeight}}"/>\
    <line class="faultline" x1="{{line}}" y1="{{top}}" x2="{{line}}" y2="{{bottom}}"/>\
    <text class="fault" x="{{textX}}" y="34" text-anchor="{{anchor}}">{{what}}</text>{{/fault}}
    {{#labels}}<text{{#isFault}} class="fault"{{/isFault}} x="{{x}}" y="{{tickY}}" text-anchor="middle">\
    {{text}}</text>{{/labels}}
    {{#limits}}<path class="limit c{{color}}" d="{{d}}"/>{{/limits}}
    {{#lines}}<path class="line c{{color}}" d="{{d}}"/>{{/lines}}
    {{#marks}}{{#dot}}<circle class="{{sign}}{{color}}" cx="{{x}}" cy="{{y}}" r="{{r}}"/>{{/dot}}\
    {{#cross}}<path class="cross c{{color}}" d="{{.}}"/>{{/cross}}{{/marks}}
    {{#hits}}<rect class="hit" x="{{x}}" y="{{top}}" width="{{w}}" height="{{plotHeight}}">\
    <title>{{tip}}</title></rect>{{/hits}}
    </svg>
    """)
}
