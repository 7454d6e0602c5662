package import CogInspect

extension StatisticsReport {
  /// The report as text: tensors, layers, parts, and the channels that stand out most.
  package var text: String {
    var tensorTable = TextTable(
      [.text("tensor"), .text("type")] + Figures.columns + [.text("worst row"), .text("worst column")])
    for tensor in tensors {
      tensorTable.add(
        [tensor.name, tensor.type.label] + tensor.figures.cells(countsCodes: tensor.type.isQuantized)
          + [tensor.rows.cell, tensor.columns.cell])
    }
    var sections = [tensorTable.rendered()]
    if !layers.isEmpty { sections.append(Self.table("layer", layers)) }
    sections.append(Self.table("part", parts + [total]))
    if let outliers { sections.append(outliers) }
    if !total.figures.isExact {
      sections.append(
        "~ counted in bins of float32: percentiles within 2^-9 (0.2 %) of themselves (below 2^-126 within "
          + "2^-134), bits at least as many")
    }
    sections += notes.map { "note: \($0)" }
    return sections.joined(separator: "\n\n")
  }

  private static func table(_ title: String, _ groups: [GroupStatistics]) -> String {
    var table = TextTable([.text(title), .number("tensors")] + Figures.columns)
    for group in groups { table.add([group.name, "\(group.tensorCount)"] + group.figures.cells()) }
    return table.rendered()
  }

  /// The channels of matrices whose largest magnitude is farthest above the median channel's; nil where there
  /// are none.
  private var outliers: String? {
    let channels = tensors.filter { $0.shape.rank > 1 }.flatMap { tensor in
      [("row", tensor.rows), ("column", tensor.columns)].compactMap { kind, maxima in
        maxima.flatMap { maxima in
          maxima.outlierRatio.flatMap { ratio in
            maxima.worst.first.map { (tensor.name, kind, $0, maxima.median, ratio) }
          }
        }
      }
    }
    guard !channels.isEmpty else { return nil }
    var table = TextTable([
      .text("channels that stand out"), .text("channel"), .number("maximum"), .number("median channel"),
      .number("ratio"),
    ])
    for (name, kind, worst, median, ratio) in channels.sorted(by: { $0.4 > $1.4 }).prefix(10) {
      table.add([name, "\(kind) \(worst.index)", number(worst.maximum), number(median), number(ratio)])
    }
    return table.rendered()
  }
}

extension Figures {
  fileprivate static let columns: [TextTable.Column] = [
    .number("elements"), .number("min"), .number("max"), .number("mean"), .number("std"), .number("|x| 50%"),
    .number("99.9%"), .number("kurtosis"), .number("zeros"), .number("NaN"), .number("Inf"), .number("bits"),
  ]

  /// - Parameter countsCodes: whether the bits are those of codes, every one of which is counted.
  fileprivate func cells(countsCodes: Bool = false) -> [String] {
    let mark = isExact ? "" : "~"
    func percentile(_ percent: Double) -> String {
      percentiles.first { $0.percent == percent }.map { mark + number($0.value) } ?? "-"
    }
    return ["\(count)"] + [minimum, maximum, mean, standardDeviation].map(number)
      + [percentile(50), percentile(99.9), number(kurtosis), "\(zeros)", "\(nan)", "\(infinite)"]
      + [entropyBits.map { (countsCodes ? "" : mark) + NumberText.fixed($0, decimals: 2) } ?? "-"]
  }
}

extension ChannelMaxima? {
  fileprivate var cell: String {
    guard let worst = self?.worst.first else { return "-" }
    return "\(worst.index): \(number(worst.maximum))"
  }
}

/// A number with four significant digits; `-` for none.
private func number(_ value: Double?) -> String { value.map { NumberText.general($0) } ?? "-" }
