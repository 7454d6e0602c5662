package import CogInspect
package import CogModel

/// The page of `cogvlm stats`.
package enum StatisticsPage {
  /// A page that shows all of a report.
  ///
  /// - Parameters:
  ///   - stored: the tensors as they are stored, for their bits; nil where the report is of
  ///   activations.
  ///   - budget: what its encodings were chosen by, as a native file says (`recipe.budget`).
  /// - Throws: `CogError` when the report cannot be written as JSON.
  package static func page(
    _ report: StatisticsReport, stored: (any TensorStore)?, budget: [String: String]? = nil
  ) throws -> Page {
    let isActivations = stored == nil
    let title = isActivations ? "Statistics of activations" : "Statistics of tensors"
    var page = try Page(title: title, subtitle: report.path, document: report)
    page.add(verdict(report))
    for note in report.notes { page.add(Paragraph("Note: \(note)")) }
    page.add(facts(report, stored))
    page.add(Heading("Histograms by layer"))
    for part in StatisticsCharts.histograms(report) { page.add(part) }
    page.add(Heading("Scale along the layers"))
    if isActivations {
      page.add(StatisticsCharts.magnitudes(report))
    } else {
      for part in StatisticsCharts.scales(report) { page.add(part) }
    }
    page.add(Heading("Channels"))
    for part in StatisticsCharts.channels(report, isActivations: isActivations) { page.add(part) }
    page.add(StatisticsTables.channels(report))
    page.add(Heading("Parts"))
    page.add(bits(report, stored))
    if let budget { for part in choices(report, stored, budget) { page.add(part) } }
    page.add(StatisticsTables.groups("Parts", report.parts + [report.total]))
    page.add(Heading(isActivations ? "Taps" : "Tensors"))
    if !isActivations, !report.layers.isEmpty {
      page.add(StatisticsTables.groups("Layers", report.layers))
    }
    page.add(StatisticsTables.tensors(report, title: isActivations ? "Taps" : "Tensors"))
    return page
  }

  private static func verdict(_ report: StatisticsReport) -> Verdict {
    let findings = report.findings
    let figures = report.total.figures
    let count = NumberText.grouped(figures.count)
    let tensors = Dictionary(grouping: report.tensors) { $0.layer ?? "" }.mapValues(\.count)
    let sentences = findings.sentences(tensorsInLayer: tensors)
    let shown =
      sentences.prefix(mostSentences)
      + (sentences.count > mostSentences
        ? ["And \(sentences.count - mostSentences) more: see the tables."] : [])
    if figures.nan + figures.infinite > 0 {
      let kinds = [(figures.nan, "NaN"), (figures.infinite, "infinite")].filter { $0.0 > 0 }
      return Verdict(
        .failed, "\(kinds.map { "\($0.0) \($0.1)" }.joined(separator: " and ")) among \(count) elements",
        details: Array(shown))
    }
    guard !findings.isEmpty else {
      return Verdict(.passed, "All \(count) elements are finite, and no tensor stands out")
    }
    let names = Set(findings.map(\.tensor.name)).count
    return Verdict(
      .warning, "All \(count) elements are finite; \(names) of \(report.tensors.count) tensors stand out",
      details: Array(shown))
  }

  /// Findings that are named at the top at most.
  private static let mostSentences = 8

  private static func facts(_ report: StatisticsReport, _ stored: (any TensorStore)?) -> Facts {
    let figures = report.total.figures
    func text(_ value: Double?) -> String { value.map(NumberStyle.plain.text) ?? "none" }
    var facts: [(name: String, value: String)] = [
      (stored == nil ? "taps" : "tensors", "\(report.tensors.count)"),
      ("elements", NumberText.grouped(figures.count)),
    ]
    if let stored {
      let size = StoredSize(of: report.tensors.map(\.name), in: stored)
      facts.append(
        ("stored in", "\(NumberStyle.bytes.text(Double(size.bytes))), \(text(size.bits)) bits each"))
    }
    facts += [
      ("range", "\(text(figures.minimum)) to \(text(figures.maximum))"),
      ("NaN and infinite", "\(figures.nan) and \(figures.infinite)"),
      ("zeros", NumberText.grouped(figures.zeros)),
      (
        "accuracy",
        figures.isExact
          ? "every value was counted"
          : "percentiles within 0.2 % of themselves, entropy of plain tensors a lower bound; "
            + "all else is exact"
      ),
    ]
    return Facts(facts)
  }

  /// What was chosen within a budget.
  private static func choices(
    _ report: StatisticsReport, _ stored: (any TensorStore)?, _ budget: [String: String]
  ) -> [any PagePart] {
    let linear = report.tensors.compactMap { stored?.entry(named: $0.name) }.filter { entry in
      TensorTable.meaning(of: entry.name).map {
        $0.role.isMatrix && $0.part != .embedding && $0.part != .head
      }
        ?? false
    }
    let facts = budget.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    return [
      Paragraph("The encodings of the linear layers were chosen by the moments of a calibration:"),
      Facts(facts), EncodingChoices(linear.map { ($0.name, $0.encoding) }).dataTable,
    ]
  }

  private static func bits(_ report: StatisticsReport, _ stored: (any TensorStore)?) -> BarChart {
    var series: [ChartSeries] = []
    if let stored {
      let bits = report.parts.map { part in
        let names = report.tensors.filter { $0.part == part.name }.map(\.name)
        return StoredSize(of: names, in: stored).bits
      }
      series.append(.init(name: "stored bits of an element", values: bits))
    }
    series.append(.init(name: "entropy of an element", values: report.parts.map(\.figures.entropyBits)))
    return BarChart(
      title: stored == nil ? "Entropy by part" : "Bits by part",
      caption:
        "Entropy: as many bits as the patterns (of quantized tensors the codes) need at least, one by one.",
      categories: report.parts.map(\.name), series: series, valueLabel: "bits")
  }
}

/// What tensors take in their files.
struct StoredSize {
  private(set) var bytes = 0
  private var elements = 0

  init(of names: some Sequence<String>, in store: any TensorStore) {
    for name in names {
      guard let entry = store.entry(named: name) else { continue }
      bytes += entry.byteCount
      elements += entry.shape.elementCount
    }
  }

  /// Bits of an element; nil for none.
  var bits: Double? { elements > 0 ? 8 * Double(bytes) / Double(elements) : nil }
}
