import CogBase
import Foundation

/// The JSON that commands print with `--json`.
package enum JSONOutput {
  /// A value as one JSON document: indented, keys sorted, slashes not escaped, without a line end after it.
  /// Numbers that JSON has no form for become the strings "inf", "-inf" and "nan"; bytes of paths that are no
  /// UTF-8 are shown as `\xE9`.
  ///
  /// - Throws: `CogError` when the value cannot be encoded.
  package static func encode(_ value: some Encodable) throws -> String {
    try encode(value, formatting: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
  }

  /// A value as one line of JSON, for output with a document on each line.
  ///
  /// - Throws: `CogError` when the value cannot be encoded.
  package static func encodeLine(_ value: some Encodable) throws -> String {
    try encode(value, formatting: [.sortedKeys, .withoutEscapingSlashes])
  }

  private static func encode(
    _ value: some Encodable, formatting: JSONEncoder.OutputFormatting
  ) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self).shownInJSON
    } catch let error as EncodingError {
      throw CogError("a result cannot be written as JSON", found: "\(error)")
    }
  }
}
