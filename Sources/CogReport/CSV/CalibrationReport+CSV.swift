package import CogCalibrate

extension CalibrationReport {
  /// The report as comma-separated values: a line for each input and kind of token. Numbers have all digits;
  /// what there is not stays empty.
  package var csv: String {
    var table = CSVTable([
      "name", "part", "layer", "channels", "kind", "tokens", "rootMeanSquare", "meanRootMeanSquare",
      "largest", "outlierRatio", "topShare", "deadChannels", "worstChannel", "worstChannelShare",
      "similarity", "textOverImage",
    ])
    for input in inputs {
      for (kind, figures) in [("image", input.image), ("text", input.text)] {
        guard let figures else { continue }
        table.add([
          input.name, input.part.rawValue, input.layer.map { "\($0)" } ?? "", "\(input.columns)",
          kind, "\(figures.tokens)", CSVTable.number(figures.rootMeanSquare),
          CSVTable.number(figures.meanRootMeanSquare), CSVTable.number(figures.largest),
          CSVTable.number(figures.outlierRatio), CSVTable.number(figures.topShare),
          "\(figures.deadChannels)", figures.worst.first.map { "\($0.index)" } ?? "",
          CSVTable.number(figures.worst.first?.share), CSVTable.number(input.similarity),
          CSVTable.number(input.textOverImage),
        ])
      }
    }
    return table.rendered()
  }
}
