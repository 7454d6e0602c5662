import CogVerify

extension WeightParts {
  /// Bits and damage of two files.
  static func columns(_ parts: [ComparedPart]) -> Columns {
    let names = parts.map(\.part)
    return Columns([
      BarChart(
        title: "Bits per weight", categories: names,
        series: [
          .init(name: "model", values: parts.map(\.bitsPerWeight)),
          .init(name: "reference", values: parts.map(\.againstBitsPerWeight)),
        ], valueLabel: "bits per weight"),
      BarChart(
        title: "Damage",
        caption:
          "Weights: over all of the part. Isolated and accumulated: the largest error of the part's layers; the embedding "
          + "table's shows in the first layer.",
        categories: names,
        series: [
          .init(name: "weights", values: parts.map(\.weightRelativeL2)),
          .init(name: "isolated", values: parts.map(\.isolatedRelativeL2)),
          .init(name: "accumulated", values: parts.map(\.relativeL2)),
        ], valueLabel: "relative L2 error"),
    ])
  }

  /// Each layer's worst tensor.
  static func chart(_ report: ComparisonReport) -> LineChart {
    let worst = Dictionary(report.differingTensors.map { ($0.tapName, $0) }) { first, _ in first }
    let worstLayer = report.differingTensors.first
    // Layers without tensors, such as the frames with nothing but boi and eoi, stand with equal ones.
    let values = report.taps.map { tap -> Double? in
      guard let tensor = worst[tap.name] else { return 0 }
      return tensor.relativeL2 ?? .nan
    }
    let place = worstLayer.flatMap { tensor in report.taps.firstIndex { $0.name == tensor.tapName } }
    return LineChart(
      title: "Error of the weights along the layers",
      caption: "Of each layer's worst tensor. Equal weights stand on the rail below.",
      points: report.taps.map { LayerPoint(tap: $0.name) },
      series: [.init(name: "worst tensor", values: values)], valueLabel: "relative L2 error, log scale",
      highlight: place.map { ($0, "the largest: \(report.taps[$0].name)") })
  }

  /// The tensors of two files that differ, the worst first.
  static func table(_ report: ComparisonReport) -> DataTable {
    let tensors = report.differingTensors
    var table = DataTable(
      title: "Tensors",
      caption:
        "\(tensors.count) of \(report.tensors.count) tensors differ; the others are equal to the bit. Recorded: what the "
        + "model's conversion wrote down about its own source.",
      columns: [
        .code("tensor"), .text("part"), .text("encoding"), .text("reference"), .number("bits per weight"),
        .number("relative L2"), .number("recorded"), .number("worst group"), .number("row"),
        .number("not finite"),
      ])
    for tensor in tensors {
      let isBroken = tensor.notFinite > 0
      table.add(
        [
          .text(tensor.name), .text(tensor.part), .text(tensor.encoding), .text(tensor.againstEncoding),
          .number(tensor.bitsPerWeight),
          .number(tensor.relativeL2, .scientific, isBroken ? .failed : .plain),
          .number(tensor.recordedRelativeRMS, .scientific), .number(tensor.worstGroup, .scientific),
          .number(tensor.worstRow.map(Double.init)),
          .number(Double(tensor.notFinite), .plain, isBroken ? .failed : .plain),
        ], isFault: isBroken)
    }
    return table
  }
}
