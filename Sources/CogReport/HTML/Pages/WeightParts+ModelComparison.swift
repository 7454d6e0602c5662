import CogVerify

extension WeightParts {
  /// Bits and damage of two files.
  static func columns(_ parts: [ModelComparisonReport.Part]) -> Columns {
    let names = parts.map(\.part.rawValue)
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
          "Weights: over all of the part. Isolated and accumulated: the largest error of the part's layers; "
          + "the embedding table's shows in the first layer.",
        categories: names,
        series: [
          .init(name: "weights", values: parts.map(\.weightRelativeL2)),
          .init(name: "isolated", values: parts.map(\.isolatedRelativeL2)),
          .init(name: "accumulated", values: parts.map(\.relativeL2)),
        ], valueLabel: "relative L2 error"),
    ])
  }

  /// Each layer's worst tensor.
  static func chart(_ report: ModelComparisonReport) -> LineChart {
    let tensors = report.differingTensors.compactMap { tensor in tensor.point.map { ($0, tensor) } }
    let worst = Dictionary(tensors) { first, _ in first }
    // Layers without tensors, such as the frames with nothing but boi and eoi, stand with equal ones.
    let values = report.taps.map { tap -> Double? in
      guard let tensor = worst[tap.point] else { return 0 }
      return tensor.relativeL2 ?? .nan
    }
    let fault = faultyTensor(report)
    let place = fault.flatMap { tensor in report.taps.firstIndex { $0.point == tensor.point } }
    return LineChart(
      title: "Error of the weights along the layers",
      caption: "Of each layer's worst tensor. Equal weights stand on the rail below.",
      points: report.taps.map { LayerPoint($0.point) },
      series: [.init(name: "worst tensor", values: values)], valueLabel: "relative L2 error, log scale",
      highlight: place.map { ($0, "to be looked at: \(report.taps[$0].point.name)") })
  }

  /// The tensor that a reader should look at: one that is not finite, or else the worst of the first layer at
  /// fault.
  static func faultyTensor(_ report: ModelComparisonReport) -> ModelComparisonReport.Tensor? {
    if let worst = report.differingTensors.first, worst.notFinite > 0 { return worst }
    return report.firstAtFault.flatMap { report.differingTensors(of: $0).first }
  }

  /// The tensors of two files that differ, the worst first.
  static func table(_ report: ModelComparisonReport) -> DataTable {
    let tensors = report.differingTensors
    let fault = faultyTensor(report)
    var table = DataTable(
      title: "Tensors",
      caption:
        "\(tensors.count) of \(report.tensors.count) tensors differ; the others are equal to the bit. "
        + "Recorded: what the model's conversion wrote down about its own source.",
      columns: [
        .code("tensor"), .number("relative L2"), .number("recorded"), .number("not finite"),
        .number("worst group"), .number("row"), .number("bits per weight"), .text("encoding"),
        .text("reference"), .text("part"),
      ])
    for tensor in tensors {
      // By name: a NaN makes a tensor unequal to itself.
      let isFault = tensor.name == fault?.name
      let state: DataTable.State = isFault || tensor.notFinite > 0 ? .failed : .plain
      table.add(
        [
          .text(tensor.name), .number(tensor.relativeL2, .scientific, state),
          .number(tensor.recordedRelativeRMS, .scientific),
          .number(Double(tensor.notFinite), .plain, tensor.notFinite > 0 ? .failed : .plain),
          .number(tensor.worstGroup, .scientific), .number(tensor.worstRow.map(Double.init)),
          .number(tensor.bitsPerWeight), .text(tensor.encoding.label), .text(tensor.againstEncoding.label),
          .text(tensor.part.rawValue),
        ], isFault: isFault)
    }
    return table
  }
}
