import CogBase
import Foundation

/// The JSON that commands print with `--json`.
public enum JSONOutput {
  /// A value as one JSON document: indented, keys sorted, slashes not escaped, without a line end after it.
  /// Numbers that JSON has no form for become the strings "inf", "-inf" and "nan".
  ///
  /// - Throws: `CogError` when the value cannot be encoded.
  public static func encode(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch let error as EncodingError {
      throw CogError("a result cannot be written as JSON", found: "\(error)")
    }
  }
}
