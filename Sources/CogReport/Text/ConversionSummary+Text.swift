package import CogQuantize

extension ConversionSummary {
  /// The summary as text: parts, the worst tensors, sizes and time.
  package func text(output: String) -> String {
    var lines = [partTable.rendered()]
    let worst = tensors.filter(\.isQuantized).sorted { $0.error.relativeRMS > $1.error.relativeRMS }
    if !worst.isEmpty { lines.append(Self.errorTable(worst.prefix(8)).rendered()) }
    if let budget {
      let choices = budget.choices.flatMap { choice in
        choice.tensors.map { (name: $0, encoding: choice.encoding) }
      }
      lines.append(EncodingChoices(choices).textTable.rendered())
      lines.append(
        "linear layers: \(NumberText.fixed(budget.bits, decimals: 4)) bits per weight of at most "
          + "\(NumberText.general(budget.targetBits, digits: 6))")
    }
    if let int4Ratio {
      lines.append("int4 tensors take \(NumberText.fixed(int4Ratio, decimals: 4)) of their BF16 bytes")
    }
    lines.append(
      "\(output.printable): \(fileBytes) bytes, "
        + "\(NumberText.fixed(bitsPerWeight, decimals: 3)) bits per weight, "
        + "\(NumberText.fixed(fileRatio, decimals: 4)) of BF16, \(NumberText.fixed(seconds, decimals: 1)) s")
    return lines.joined(separator: "\n")
  }

  private var partTable: TextTable {
    var table = TextTable([.text("part"), .number("weights"), .number("bytes"), .number("bits per weight")])
    for part in parts {
      table.add([
        part.part.rawValue, "\(part.weights)", "\(part.bytes)",
        NumberText.fixed(part.bitsPerWeight, decimals: 3),
      ])
    }
    return table
  }

  private static func errorTable(_ tensors: some Sequence<Tensor>) -> TextTable {
    var table = TextTable([
      .text("largest errors"), .text("encoding"), .number("relative RMS"), .number("SQNR dB"),
      .number("worst group"),
    ])
    for tensor in tensors {
      let error = tensor.error
      table.add([
        tensor.name, tensor.encoding.label, NumberText.fixed(Double(error.relativeRMS), decimals: 4),
        NumberText.fixed(Double(error.sqnr), decimals: 1),
        NumberText.fixed(Double(error.worstGroup), decimals: 3)
          + " (row \(error.worstRow), group \(error.worstGroupIndex))",
      ])
    }
    return table
  }
}
