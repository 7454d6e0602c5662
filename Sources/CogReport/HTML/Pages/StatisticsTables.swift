import CogInspect

/// The tables of the page of `cogvlm stats`.
enum StatisticsTables {
  private static let figureColumns: [DataTable.Column] = [
    .number("elements"), .number("min"), .number("max"), .number("mean"), .number("std"),
    .number("|x| 0.1 %"), .number("1 %"), .number("50 %"), .number("99 %"), .number("99.9 %"),
    .number("kurtosis"), .number("zeros"), .number("subnormals"), .number("NaN"), .number("Inf"),
    .number("bits"),
  ]

  private static func cells(_ figures: Figures) -> [DataTable.Cell] {
    func count(_ number: Int, isFault: Bool = false) -> DataTable.Cell {
      .number(Double(number), .plain, isFault && number > 0 ? .failed : .plain)
    }
    let values = [figures.minimum, figures.maximum, figures.mean, figures.standardDeviation]
    let percentiles = Figures.percents.map { percent in
      DataTable.Cell.number(figures.percentiles.first { $0.percent == percent }?.value)
    }
    return [count(figures.count)] + values.map { .number($0) } + percentiles
      + [
        .number(figures.kurtosis), count(figures.zeros), count(figures.subnormals),
        count(figures.nan, isFault: true), count(figures.infinite, isFault: true),
        .number(figures.entropyBits),
      ]
  }

  /// The figures of layers or parts.
  static func groups(_ title: String, _ groups: [GroupStatistics]) -> DataTable {
    var table = DataTable(title: title, columns: [.code("name"), .number("tensors")] + figureColumns)
    for group in groups {
      let figures = group.figures
      table.add(
        [.text(group.name), .number(Double(group.tensorCount))] + cells(figures),
        isFault: figures.nan + figures.infinite > 0)
    }
    return table
  }

  /// Every tensor, those in which something was found at the top.
  static func tensors(_ report: StatisticsReport, title: String) -> DataTable {
    let findings = Dictionary(grouping: report.findings, by: \.tensor.name)
    let exact = report.tensors.count { $0.figures.isExact }
    var table = DataTable(
      title: title,
      caption:
        "Percentiles and bits are exact in \(exact) of \(report.tensors.count); the others are estimates.",
      columns: [.code("name"), .text("found")] + figureColumns + [
        .text("worst row"), .text("worst column"), .text("type"), .text("shape"), .text("part"),
        .text("percentiles"),
      ])
    func found(_ tensor: TensorStatistics) -> [StatisticsReport.Finding] { findings[tensor.name] ?? [] }
    let order = report.tensors.filter { !found($0).isEmpty } + report.tensors.filter { found($0).isEmpty }
    for tensor in order {
      let found = found(tensor)
      let isFault = found.contains(where: \.isFault)
      let words = found.map(\.label).joined(separator: "; ")
      table.add(
        [.text(tensor.name), .text(words, isFault ? .failed : .warning)] + cells(tensor.figures)
          + [worst(tensor.rows), worst(tensor.columns)]
          + [tensor.type.label, "\(tensor.shape)", tensor.part].map { .text($0) }
          + [.text(tensor.figures.isExact ? "exact" : "within 0.2 %")],
        isFault: !found.isEmpty)
    }
    return table
  }

  private static func worst(_ channels: ChannelMaxima?) -> DataTable.Cell {
    .text(channels?.worst.first.map { "\($0.index): \(NumberStyle.plain.text($0.maximum))" } ?? "–")
  }

  /// The channels of matrices that are farthest above the median channel, five of a tensor at most.
  static func channels(_ report: StatisticsReport) -> DataTable {
    var table = DataTable(
      title: "Channels that stand out",
      caption:
        "The \(mostChannels) that are farthest above the median channel of their tensor, "
        + "five of one at most.",
      columns: [
        .code("tensor"), .text("channel"), .number("largest magnitude"), .number("median channel"),
        .number("ratio"),
      ])
    let channels = report.tensors.filter { $0.shape.rank > 1 }.flatMap { tensor in
      [("row", tensor.rows), ("column", tensor.columns)].flatMap { kind, maxima in
        (maxima?.worst ?? []).map { (tensor.name, kind, $0, maxima?.median ?? 0) }
      }
    }
    let ranked = channels.filter { $0.3 > 0 }.sorted { $0.2.maximum / $0.3 > $1.2.maximum / $1.3 }
    for (name, kind, channel, median) in ranked.prefix(mostChannels) {
      table.add([
        .text(name), .text("\(kind) \(channel.index)"), .number(channel.maximum), .number(median),
        .number(channel.maximum / median),
      ])
    }
    return table
  }

  private static let mostChannels = 40
}
