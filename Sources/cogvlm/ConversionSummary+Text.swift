import CogQuantize
import CogReport
import Foundation

extension ConversionSummary {
  /// The summary as text: parts, the worst tensors, sizes and time.
  func text(output: String) -> String {
    var table = TextTable([.text("part"), .number("weights"), .number("bytes"), .number("bits per weight")])
    for part in parts {
      table.add([
        part.part.rawValue, "\(part.weights)", "\(part.bytes)", String(format: "%.3f", part.bitsPerWeight),
      ])
    }
    var lines = [table.rendered()]
    let worst = tensors.filter(\.isQuantized).sorted { $0.error.relativeRMS > $1.error.relativeRMS }
    if !worst.isEmpty {
      var errors = TextTable([
        .text("largest errors"), .text("encoding"), .number("relative RMS"), .number("SQNR dB"),
        .number("worst group"),
      ])
      for tensor in worst.prefix(8) {
        errors.add([
          tensor.name, tensor.encoding, String(format: "%.4f", tensor.error.relativeRMS),
          String(format: "%.1f", tensor.error.sqnr),
          String(format: "%.3f", tensor.error.worstGroup)
            + " (row \(tensor.error.worstRow), group \(tensor.error.worstGroupIndex))",
        ])
      }
      lines.append(errors.rendered())
    }
    if let int4Ratio { lines.append(String(format: "int4 tensors take %.4f of their BF16 bytes", int4Ratio)) }
    lines.append(
      "\(output): \(fileBytes) bytes, "
        + String(format: "%.3f bits per weight, %.4f of BF16, %.1f s", bitsPerWeight, fileRatio, seconds))
    return lines.joined(separator: "\n")
  }
}
