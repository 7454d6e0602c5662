import CogReport
import Foundation
import Testing

/// The pieces of a chart's drawings, read back from the HTML.
struct Drawing {
  let width: Double
  let height: Double
  private let svg: String

  /// The drawings of a piece, the wide and the narrow one; those of the legend left out.
  static func all(_ part: some PagePart) throws -> [Drawing] {
    let html = try part.markup().html
    return html.components(separatedBy: "<svg ").dropFirst().compactMap { piece in
      let svg = piece.components(separatedBy: "</svg>")[0]
      guard let box = svg.firstMatch(of: /viewBox="0 0 ([0-9.]+) ([0-9.]+)" role="img"/),
        let width = Double(box.1), let height = Double(box.2)
      else { return nil }
      return Drawing(width: width, height: height, svg: svg)
    }
  }

  /// The attribute of every element of a name and, where given, a class that begins so.
  func values(of attribute: String, in element: String, class name: String = "") -> [String] {
    elements(element).filter { name.isEmpty || Self.value("class", in: $0)?.hasPrefix(name) == true }
      .compactMap { Self.value(attribute, in: $0) }
  }

  func elements(_ name: String) -> [String] {
    svg.components(separatedBy: "<\(name) ").dropFirst().map { $0.components(separatedBy: ">")[0] }
  }

  static func value(_ attribute: String, in element: String) -> String? {
    let parts = (" " + element).components(separatedBy: " \(attribute)=\"")
    return parts.count > 1 ? parts[1].components(separatedBy: "\"")[0] : nil
  }

  var tips: [String] {
    svg.components(separatedBy: "<title>").dropFirst().map { $0.components(separatedBy: "</title>")[0] }
  }

  /// Every text with the box that it takes, estimated with the width of the style sheet's fonts.
  var texts: [(text: String, left: Double, right: Double, y: Double)] {
    svg.components(separatedBy: "<text ").dropFirst().compactMap {
      piece -> (text: String, left: Double, right: Double, y: Double)? in
      let parts = piece.components(separatedBy: "</text>")[0].split(separator: ">", maxSplits: 1)
      guard parts.count == 2, let x = Double(Self.value("x", in: String(parts[0])) ?? ""),
        let y = Double(Self.value("y", in: String(parts[0])) ?? "")
      else { return nil }
      let text = parts[1].replacing("&lt;", with: "<").replacing("&#39;", with: "'")
      let width = Double(text.count) * 5.6
      let anchor = Self.value("text-anchor", in: String(parts[0])) ?? "start"
      let left = anchor == "middle" ? x - width / 2 : (anchor == "end" ? x - width : x)
      return (String(text), left, left + width, y)
    }
  }
}

@Suite struct ChartTests {
  static let charts: [any PagePart] = [
    ReportSamples.lineChart(), ReportSamples.histograms(), ReportSamples.heatMap(),
    ReportSamples.stackedBars(),
    ReportSamples.groupedBars(),
  ]

  @Test(
    "No two labels of a drawing touch and none leaves it, at the published model's depth", arguments: 0..<5)
  func labels(_ index: Int) throws {
    for drawing in try Self.all(Self.charts[index]) {
      let texts = drawing.texts
      #expect(texts.count > 5)
      for (place, one) in texts.enumerated() {
        #expect(one.left >= -1 && one.right <= drawing.width + 1 && one.y <= drawing.height, "\(one)")
        for other in texts[..<place] where abs(one.y - other.y) < 9 {
          #expect(one.right <= other.left || other.right <= one.left, "\(one) and \(other)")
        }
      }
    }
  }

  /// Opens the box of an existential.
  private static func all(_ part: any PagePart) throws -> [Drawing] {
    let drawings = try Drawing.all(part)
    #expect(drawings.map(\.width) == [940, 380])
    return drawings
  }

  @Test("A line breaks where a value is missing; zeros and NaN stand on rails, outside of all other values")
  func lines() throws {
    let points = (0..<6).map { LayerPoint(name: "layer \($0)", label: "\($0)") }
    let chart = LineChart(
      title: "t", points: points, series: [.init(name: "error", values: [1e-3, 1e-2, nil, 0, .nan, 1e-1])],
      valueLabel: "relative L2")
    for drawing in try Self.all(chart) {
      let line = try #require(drawing.values(of: "d", in: "path", class: "line").first)
      #expect(line.count { $0 == "M" } == 2)
      #expect(line.count { $0 == "L" } == 1)
      let dots = drawing.values(of: "cy", in: "circle", class: "f1").compactMap(Double.init)
      #expect(dots.count == 3)
      #expect(dots[0] > dots[1] && dots[1] > dots[2])
      // Equal factors are equal distances.
      #expect(abs((dots[0] - dots[1]) - (dots[1] - dots[2])) < 0.2)
      let zero = try #require(
        drawing.values(of: "cy", in: "circle", class: "open").compactMap(Double.init).first)
      #expect(dots.allSatisfy { $0 < zero })
      let crosses = drawing.values(of: "d", in: "path", class: "cross")
      #expect(crosses.count == 1)
      let top = try #require(
        crosses.first.flatMap { Double($0.dropFirst().split(separator: " ")[1].prefix { $0 != "L" }) })
      #expect(dots.allSatisfy { $0 > top })
      #expect(
        drawing.tips == [
          "layer 0\nerror: 1.00e-03", "layer 1\nerror: 1.00e-02", "layer 2\nerror: none", "layer 3\nerror: 0",
          "layer 4\nerror: NaN", "layer 5\nerror: 1.00e-01",
        ])
    }
  }

  @Test("The layer that is pointed out has its band and its words, and a limit changes where its values do")
  func highlight() throws {
    for drawing in try Self.all(ReportSamples.lineChart()) {
      #expect(drawing.values(of: "x", in: "rect", class: "faultband").count == 1)
      #expect(drawing.texts.contains { $0.text == "first at fault: model.layers.4" })
      let limits = drawing.values(of: "d", in: "path", class: "limit")
      #expect(limits.map { $0.count { $0 == "H" } } == [1, 2])
    }
  }

  @Test("Series of a million values and none at all are drawn without a trap")
  func extremes() throws {
    let points = [LayerPoint(name: "a", label: "a")]
    for values in [[], [nil], [0], [.infinity], [-1], [1e-300], [1e300], [-1e300]] as [[Double?]] {
      for scale in [AxisScale.linear, .logarithmic] {
        let chart = LineChart(
          title: "t", points: points, series: [.init(name: "s", values: values)], valueLabel: "v",
          scale: scale)
        for drawing in try Self.all(chart) { #expect(drawing.elements("line").count < 100) }
      }
    }
    _ = try LineChart(title: "t", points: [], series: [], valueLabel: "v").markup()
    _ = try HeatMap(title: "t", rows: [], columns: [], columnLabel: "c", valueLabel: "v").markup()
    _ = try HistogramStrips(title: "t", valueLabel: "v", rows: []).markup()
    _ = try BarChart(title: "t", categories: [], series: [], valueLabel: "v").markup()
  }

  @Test(
    "A heat map has a cell for each value, open where there is none, in the fault's color where it is NaN")
  func heatMap() throws {
    for drawing in try Self.all(ReportSamples.heatMap()) {
      #expect(drawing.values(of: "x", in: "rect", class: "gap").count == 10)
      #expect(drawing.values(of: "x", in: "rect", class: "hbad").count == 1)
      // The legend has one box for each of the 12 shades.
      let shaded = drawing.elements("rect").filter { $0.hasPrefix("class=\"h") && !$0.contains("hbad") }
      #expect(shaded.count == 32 * 64 - 11 + 12)
      #expect(drawing.tips.count == 32 * 64)
    }
    let row = HeatMap.Row(name: "r", label: "r", values: (1...8001).map { Double($0) })
    let large = HeatMap(
      title: "t", rows: [row], columns: (0...8000).map { "\($0)" }, columnLabel: "c", valueLabel: "v")
    #expect(try Self.all(large).map(\.tips) == Array(repeating: ["r\n8001 values, 1 to 8001"], count: 2))
  }

  @Test("A strip has a column for each bin that holds something, and a row without counts is a gap")
  func histograms() throws {
    for drawing in try Self.all(ReportSamples.histograms()) {
      let columns = drawing.values(of: "d", in: "path", class: "f1").map { $0.count { $0 == "Z" } }
      #expect(columns.count == 32)
      #expect(columns[7] == 0)
      #expect(columns[8] == 64)
      #expect(drawing.values(of: "x1", in: "line", class: "gap").count == 1)
      #expect(drawing.tips[12].hasSuffix("\n1 NaN"))
    }
  }

  @Test("The pieces of a stacked bar stand end to end, and its sum stands behind them")
  func stacked() throws {
    let chart = BarChart(
      title: "t", categories: ["one"],
      series: [.init(name: "a", values: [2]), .init(name: "b", values: [6])],
      arrangement: .stacked, valueLabel: "v")
    for drawing in try Self.all(chart) {
      let starts = drawing.values(of: "x", in: "rect").compactMap(Double.init)
      let widths = drawing.values(of: "width", in: "rect").compactMap(Double.init)
      #expect(abs(starts[0] + widths[0] - starts[1]) < 0.3)
      #expect(abs(3 * widths[0] - widths[1]) < 0.5)
      #expect(drawing.texts.contains { $0.text == "8" && $0.left > starts[1] + widths[1] })
    }
  }

  @Test("Cells of a table carry the value that they are sorted by; those without one carry none")
  func table() throws {
    var table = DataTable(title: "t", columns: [.code("name"), .number("value")])
    table.add([.text("a <b>"), .number(1.25e-5, .scientific)])
    table.add([.text("c"), .number(nil)], isFault: true)
    table.add([.text("d"), .number(.nan)])
    let html = try table.markup().html
    #expect(html.contains(#"<td class="code" data-key="a &lt;b&gt;">a &lt;b&gt;</td>"#))
    #expect(html.contains(#"<td class="number" data-key="1.25e-05">1.25e-05</td>"#))
    #expect(html.contains(#"<td class="number muted">–</td>"#))
    #expect(html.contains(#"data-key="Infinity">NaN</td>"#))
    #expect(html.count(of: "<tr class=\"fault\">") == 1)
  }

  @Test("A token shows its text with signs for what cannot be seen, and the reference's where they differ")
  func tokens() throws {
    let html = try TokenStrip(
      title: "t",
      tokens: [
        .init(text: " up", id: 1, reference: (" up", 1), gap: 0.5, state: .equal),
        .init(text: "\n", id: 2, reference: (" down", 3), gap: nil, state: .mismatch),
      ]
    ).markup().html
    #expect(html.contains(#"<li class="equal""#) && html.contains("␣up"))
    #expect(html.contains(#"<li class="mismatch""#) && html.contains("✗ reference ␣down"))
    #expect(html.contains("gap 0.5") && html.contains("gap –"))
  }
}

extension String {
  fileprivate func count(of part: String) -> Int { components(separatedBy: part).count - 1 }
}
