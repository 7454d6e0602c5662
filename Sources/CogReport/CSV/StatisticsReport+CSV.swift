package import CogInspect

extension StatisticsReport {
  /// The report as comma-separated values: a line for each tensor, layer and part and one for the total, told
  /// apart by the first column. Numbers have all digits; what there is not stays empty.
  package var csv: String {
    var table = CSVTable(
      ["scope", "name", "part", "layer", "type", "shape", "tensors"] + Figures.csvTitles
        + ["worstRow", "worstRowMaximum", "medianRowMaximum"]
        + ["worstColumn", "worstColumnMaximum", "medianColumnMaximum"])
    for tensor in tensors {
      table.add(
        [
          "tensor", tensor.name, tensor.part, tensor.layer ?? "", tensor.type.label, tensor.shape.description,
          "1",
        ]
          + tensor.figures.csvCells + tensor.rows.csvCells + tensor.columns.csvCells)
    }
    let groups = [("layer", layers), ("part", parts), ("total", [total])]
    for (scope, groups) in groups {
      for group in groups {
        table.add([scope, group.name, "", "", "", "", "\(group.tensorCount)"] + group.figures.csvCells)
      }
    }
    return table.rendered()
  }
}

extension Figures {
  fileprivate static let csvTitles =
    [
      "count", "zeros", "subnormals", "nan", "infinite", "minimum", "maximum", "absoluteMaximum", "mean",
      "standardDeviation", "kurtosis",
    ] + percents.map { "percentile\($0)" } + ["entropyBits", "isExact", "percentileError"]

  fileprivate var csvCells: [String] {
    let values = [minimum, maximum, absoluteMaximum, mean, standardDeviation, kurtosis]
    return [count, zeros, subnormals, nan, infinite].map { "\($0)" } + values.map(CSVTable.number)
      + Self.percents.map { percent in CSVTable.number(percentiles.first { $0.percent == percent }?.value) }
      + [CSVTable.number(entropyBits), "\(isExact)", CSVTable.number(percentileError)]
  }
}

extension ChannelMaxima? {
  fileprivate var csvCells: [String] {
    guard let self, let worst = self.worst.first else { return ["", "", ""] }
    return ["\(worst.index)", CSVTable.number(worst.maximum), CSVTable.number(self.median)]
  }
}
