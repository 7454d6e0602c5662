import CogVerify

/// Pieces about the weights of a model: how small they are and what that cost.
enum WeightParts {
  /// Bits and recorded damage of one file.
  static func columns(_ parts: [StoredPart]) -> Columns {
    let names = parts.map(\.part.rawValue)
    return Columns([
      BarChart(
        title: "Bits per weight", categories: names,
        series: [.init(name: "bits per weight", values: parts.map(\.bitsPerWeight))],
        valueLabel: "bits per weight"),
      BarChart(
        title: "Damage to the weights",
        caption: "As the conversion recorded it: the largest relative RMS error of a tensor of the part.",
        categories: names,
        series: [.init(name: "relative RMS error", values: parts.map(\.largestRelativeRMS))],
        valueLabel: "relative RMS error"),
    ])
  }

  /// The tensors of one file whose conversion lost something.
  static func table(_ tensors: [LossyTensor]) -> DataTable {
    var table = DataTable(
      title: "Tensors",
      caption:
        "What the conversion recorded against its source, of the tensors that lost something. "
        + "The worst group is that of the row beside it.",
      columns: [
        .code("tensor"), .number("relative RMS"), .number("worst group"), .number("row"),
        .number("bits per weight"), .text("encoding"), .text("part"),
      ])
    for tensor in tensors {
      table.add([
        .text(tensor.name), .number(tensor.relativeRMS, .scientific),
        .number(tensor.worstGroup, .scientific), .number(Double(tensor.worstRow)),
        .number(tensor.bitsPerWeight), .text(tensor.encoding.label), .text(tensor.part.rawValue),
      ])
    }
    return table
  }
}
