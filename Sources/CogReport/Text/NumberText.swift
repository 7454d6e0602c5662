import Foundation

/// Numbers as texts, tables and pages show them. Each form is defined here and nowhere else.
package enum NumberText {
  /// With an exponent and so many significant digits, as errors are shown: `1.23e-05`.
  package static func scientific(_ value: Double, digits: Int = 3) -> String {
    String(format: "%.\(max(0, digits - 1))e", value)
  }

  /// With a number of decimals: `0.999987`.
  package static func fixed(_ value: Double, decimals: Int) -> String {
    String(format: "%.\(decimals)f", value)
  }

  /// With so many significant digits, and an exponent where the number is far from 1: `12.5`, `1.25e-05`.
  package static func general(_ value: Double, digits: Int = 4) -> String {
    String(format: "%.\(digits)g", value)
  }

  /// With three significant digits, and never an exponent: `0.00125`, `1250`.
  package static func plain(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return "\(value)" }
    let decimals = max(0, 2 - Int(log10(abs(value)).rounded(.down)))
    return fixed(value, decimals: min(decimals, 9))
  }

  /// A share as a percentage with one decimal: `98.8 %`.
  package static func percent(_ share: Double) -> String { fixed(100 * share, decimals: 1) + " %" }

  /// Seconds as hours, minutes and seconds, and a fraction where there is one: `0:01:05`, `0:01:05.25`.
  package static func clock(_ seconds: Double) -> String {
    let all = milliseconds(seconds)
    let fraction = String(format: ".%03d", all % 1000).reversed().drop { $0 == "0" || $0 == "." }.reversed()
    return String(format: "%d:%02d:%02d", all / 3_600_000, all / 60_000 % 60, all / 1000 % 60)
      + String(fraction)
  }

  /// Seconds as subtitles have them, to the millisecond: `00:01:05,250`.
  ///
  /// - Parameter mark: what is between the seconds and their thousandths.
  package static func timecode(_ seconds: Double, mark: String) -> String {
    let all = milliseconds(seconds)
    return String(format: "%02d:%02d:%02d", all / 3_600_000, all / 60_000 % 60, all / 1000 % 60) + mark
      + String(format: "%03d", all % 1000)
  }

  private static func milliseconds(_ seconds: Double) -> Int {
    Int((max(0, min(seconds, 1e9)) * 1000).rounded())
  }

  /// All digits that tell the number from its neighbors, as programs read it.
  package static func exact(_ value: Double) -> String { "\(value)" }

  /// A whole number with a comma after every three digits: `1,234,567`.
  package static func grouped(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    let groups = stride(from: digits.count, to: 0, by: -3).map { String(digits[max(0, $0 - 3)..<$0]) }
    return (number < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
  }
}
