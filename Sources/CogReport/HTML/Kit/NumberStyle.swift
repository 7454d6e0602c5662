import Foundation

/// How the numbers of a chart or table are written.
package enum NumberStyle: Sendable {
  /// Up to four significant digits, in plain notation where that is short: `12.5`, `1.23e-05`.
  case plain
  /// Three significant digits with an exponent: `1.23e-05`.
  case scientific
  /// With a binary prefix: `7.4 GiB`.
  case bytes
  /// Six decimals, as near 1 as cosines are: `0.999987`.
  case cosine
  /// Hundred times the value: `98.8 %`.
  case percent

  /// The number as text; "NaN", "∞" and "-∞" where it is none.
  package func text(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : (value > 0 ? "∞" : "-∞") }
    switch self {
    case .plain:
      let size = abs(value)
      if value == value.rounded(), size < 1e7 { return NumberText.fixed(value, decimals: 0) }
      return size >= 1e-3 && size < 1e7 ? NumberText.general(value) : NumberText.scientific(value)
    case .scientific: return value == 0 ? "0" : NumberText.scientific(value)
    case .cosine: return NumberText.fixed(value, decimals: 6)
    case .percent: return NumberStyle.plain.text(100 * value) + " %"
    case .bytes: return Self.bytes(value)
    }
  }

  /// What the steps of an axis up to `value` are multiples of: 1, or the size of the binary prefix.
  func unit(of value: Double) -> Double {
    guard case .bytes = self else { return 1 }
    return pow(1024, Double(Self.prefix(of: value)))
  }

  private static let prefixes = ["bytes", "KiB", "MiB", "GiB", "TiB"]

  private static func prefix(of value: Double) -> Int {
    guard abs(value) >= 1024 else { return 0 }
    return min(prefixes.count - 1, Int(log2(abs(value)) / 10))
  }

  private static func bytes(_ value: Double) -> String {
    let prefix = prefix(of: value)
    let scaled = value / pow(1024, Double(prefix))
    // Four digits where three would turn 1023 KiB into 1.02e+03 KiB.
    let digits = abs(scaled) >= 999.5 ? 4 : 3
    let number =
      prefix == 0 ? NumberText.fixed(value, decimals: 0) : NumberText.general(scaled, digits: digits)
    return "\(number) \(prefixes[prefix])"
  }
}

/// A coordinate in a drawing: at most one decimal.
func pixels(_ value: Double) -> String {
  guard value.isFinite else { return "0" }
  let tenths = (value * 10).rounded() / 10
  return NumberText.fixed(tenths, decimals: tenths == tenths.rounded() ? 0 : 1)
}

/// How wide text of 11 pixels is, on the safe side for the fonts of the style sheet.
func textWidth(_ text: String, isBold: Bool = false) -> Double { Double(text.count) * (isBold ? 7.6 : 6.4) }

/// Text that is no wider than `width`, with "…" in its middle where something had to go: names of tensors
/// differ at their ends.
func shortened(_ text: String, toWidth width: Double, isBold: Bool = false) -> String {
  let room = max(3, Int(width / textWidth("n", isBold: isBold) + 1e-6))
  guard text.count > room else { return text }
  let tail = (room - 1) * 2 / 3
  return String(text.prefix(room - 1 - tail)) + "…" + String(text.suffix(tail))
}
