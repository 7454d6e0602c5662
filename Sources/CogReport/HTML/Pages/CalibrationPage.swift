package import CogCalibrate
import CogInspect
import CogModel

/// The page of `cogvlm stats` over a calibration file.
package enum CalibrationPage {
  /// A page that shows all of a report.
  ///
  /// - Throws: `CogError` when the report cannot be written as JSON.
  package static func page(_ report: CalibrationReport) throws -> Page {
    var page = try Page(
      title: "Inputs of the linear layers", subtitle: report.path, document: report)
    page.add(verdict(report))
    for name in report.failed { page.add(Paragraph("Not looked at: \(name)")) }
    page.add(facts(report))
    page.add(Heading("Outliers along the layers"))
    page.add(
      chart(
        report, title: "Largest magnitude over root mean square",
        caption: "What 8-bit activations and plain rounding suffer from: one value far above the others.",
        valueLabel: "times the root mean square, log scale"
      ) { $0.outlierRatio })
    page.add(
      chart(
        report, title: "Part of the squares that 1 % of the channels carry",
        caption:
          "The error of a weight counts as much as the squares of its channel: where few channels carry "
          + "most, calibration gains most.",
        valueLabel: "part of the sum of squares", scale: .linear, style: .percent
      ) { $0.topShare })
    page.add(Heading("Image against text"))
    page.add(
      chart(
        report, title: "Root mean square",
        caption: "Text tokens are few, and may be far larger or smaller than image tokens.",
        valueLabel: "root mean square, log scale"
      ) { $0.rootMeanSquare })
    page.add(similarity(report))
    page.add(Heading("Channels"))
    page.add(channels(report))
    page.add(Heading("Inputs"))
    page.add(inputs(report))
    return page
  }

  private static func verdict(_ report: CalibrationReport) -> Verdict {
    let found = report.concentrated
    let details = found.prefix(mostSentences).map { input in
      let shares = [("image", input.image), ("text", input.text)].compactMap { kind, figures in
        figures?.topShare.map { "\(kind) \(NumberStyle.percent.text($0))" }
      }
      return "\(input.name): 1 % of the channels carry \(shares.joined(separator: ", ")) of the squares."
    }
    let rest =
      found.count > mostSentences ? ["And \(found.count - mostSentences) more: see the table."] : []
    guard !found.isEmpty else {
      return Verdict(.passed, "In no input do 1 % of the channels carry half of the squares")
    }
    return Verdict(
      .warning, "In \(found.count) of \(report.inputs.count) inputs, 1 % of the channels carry half of it",
      details: details + rest)
  }

  /// Inputs that are named at the top at most.
  private static let mostSentences = 8

  private static func facts(_ report: CalibrationReport) -> Facts {
    let counts = report.counts
    let encodings = report.model.encodings.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    return Facts([
      ("model", report.model.name), ("digest of the model", report.model.digest),
      ("its tensors", encodings.joined(separator: ", ")),
      ("sets", report.sets.map(\.digest).joined(separator: ", ")),
      ("arithmetic", report.settings.mode), ("template", report.settings.template),
      ("frames", report.settings.frames),
      ("videos", "\(counts.videos), \(report.failed.count) failed"), ("prompts", "\(counts.prompts)"),
      ("frames shown", NumberText.grouped(counts.frames)),
      ("image tokens read", NumberText.grouped(counts.imageTokens)),
      ("text tokens read", NumberText.grouped(counts.textTokens)), ("made by", report.tool),
    ])
  }

  // MARK: Charts

  private static func points(_ inputs: [CalibrationReport.Input]) -> [LayerPoint] {
    inputs.map { input in
      let label = input.layer.map { "\($0)" } ?? StatisticsCharts.shortName(input.name)
      return LayerPoint(name: input.name, label: label, group: input.part.rawValue)
    }
  }

  private static func chart(
    _ report: CalibrationReport, title: String, caption: String, valueLabel: String,
    scale: AxisScale = .logarithmic, style: NumberStyle = .plain,
    _ figure: (CalibrationReport.Figures) -> Double?
  ) -> LineChart {
    LineChart(
      title: title, caption: caption, points: points(report.inputs),
      series: [
        .init(name: "image", values: report.inputs.map { $0.image.flatMap(figure) }),
        .init(name: "text", values: report.inputs.map { $0.text.flatMap(figure) }),
      ],
      valueLabel: valueLabel, pointLabel: "inputs in the order of the forward pass", scale: scale,
      style: style)
  }

  /// Of the inputs that see both kinds.
  private static func similarity(_ report: CalibrationReport) -> LineChart {
    let inputs = report.inputs.filter { $0.similarity != nil }
    return LineChart(
      title: "How alike image and text load the channels",
      caption: "The cosine of the two kinds' second moments: 1 where they need the same scales.",
      points: points(inputs), series: [.init(name: "cosine", values: inputs.map(\.similarity))],
      valueLabel: "cosine", pointLabel: "inputs of the language model", scale: .linear, style: .plain)
  }

  // MARK: Tables

  private static let mostChannels = 40

  private static func channels(_ report: CalibrationReport) -> DataTable {
    var table = DataTable(
      title: "Channels that carry most",
      caption:
        "The \(mostChannels) with the largest parts of the squares of their input, five of one at most.",
      columns: [
        .code("input"), .text("tokens"), .number("channel"), .number("share"), .number("RMS"),
        .number("mean"), .number("largest"),
      ])
    for (input, kind, channel) in report.heaviest.prefix(mostChannels) {
      table.add([
        .text(input.name), .text(kind), .number(Double(channel.index)), .number(channel.share, .percent),
        .number(channel.rootMeanSquare), .number(channel.mean), .number(channel.largest),
      ])
    }
    return table
  }

  private static func inputs(_ report: CalibrationReport) -> DataTable {
    let figures: [DataTable.Column] = [
      .number("tokens"), .number("RMS"), .number("RMS of means"), .number("largest"), .number("max/RMS"),
      .number("top 1 %"), .number("dead"),
    ]
    var table = DataTable(
      title: "Inputs",
      caption:
        "First of image tokens, then of text tokens. RMS of means: what a bias could carry. Dead: channels "
        + "that were 0 for every token.",
      columns: [.code("input"), .number("channels")] + figures + figures + [
        .number("alike"), .number("text/image"),
      ])
    let concentrated = Set(report.concentrated.map(\.name))
    for input in report.inputs {
      table.add(
        [.text(input.name), .number(Double(input.columns))] + cells(input.image) + cells(input.text)
          + [.number(input.similarity), .number(input.textOverImage)],
        isFault: concentrated.contains(input.name))
    }
    return table
  }

  private static func cells(_ figures: CalibrationReport.Figures?) -> [DataTable.Cell] {
    [
      .number(figures.map { Double($0.tokens) }), .number(figures?.rootMeanSquare),
      .number(figures?.meanRootMeanSquare), .number(figures?.largest), .number(figures?.outlierRatio),
      .number(figures?.topShare, .percent), .number(figures.map { Double($0.deadChannels) }),
    ]
  }
}
