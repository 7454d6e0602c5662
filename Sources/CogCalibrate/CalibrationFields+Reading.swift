import CogBase
import CogCompute
import CogMedia
import CogModel
import Foundation

extension CalibrationFields {
  /// Reads the fields of a file and checks each.
  ///
  /// - Parameter texts: the texts of `__metadata__`, one for each key.
  /// - Throws: `CogError` that names the field.
  init(_ texts: [CalibrationFormat.Key: String]) throws {
    func decode<Value: Decodable>(_ key: CalibrationFormat.Key, _: Value.Type = Value.self) throws -> Value {
      let text = texts[key] ?? ""
      // A key that stands twice is an error of this parser, not of the next one.
      _ = try Array(text.utf8).withUnsafeBytes { try JSON.parse($0, what: "field \(key.rawValue)") }
      do { return try JSONDecoder().decode(Value.self, from: Data(text.utf8)) } catch {
        throw CogError(
          "a field is wrong", subject: key.rawValue, expected: "what Formats/calibration.md says",
          found: text, cause: error)
      }
    }
    tool = texts[.tool] ?? ""
    model = try decode(.model)
    sets = try decode(.sets)
    settings = try decode(.settings)
    counts = try decode(.counts)
    failed = try decode(.failed)
    try check()
  }

  private func check() throws {
    func require(_ isRight: Bool, _ field: String, _ expected: String, _ found: String) throws {
      guard isRight else {
        throw CogError("a field is wrong", subject: field, expected: expected, found: found)
      }
    }
    func requireDigest(_ digest: String, _ field: String) throws {
      let isRight = digest.utf8.count == 64 && digest.allSatisfy { $0.isHexDigit && !$0.isUppercase }
      try require(isRight, field, "64 hexadecimal digits", digest)
    }
    func requireCounts(_ counts: [(String, Int)]) throws {
      for (field, count) in counts {
        try require(
          (0..<CalibrationFormat.countLimit).contains(count), field,
          "a number from 0 to \(CalibrationFormat.countLimit - 1)", "\(count)")
      }
    }
    try requireDigest(model.digest, "model.digest")
    try requireCounts(model.encodings.map { ("model.encodings.\($0.key)", $0.value) })
    try require(!sets.isEmpty, "sets", "one at least", "an empty list")
    for (number, set) in sets.enumerated() {
      try requireDigest(set.digest, "sets[\(number)].digest")
      try requireCounts([("sets[\(number)].videos", set.videos), ("sets[\(number)].prompts", set.prompts)])
    }
    try requireCounts([
      ("counts.videos", counts.videos), ("counts.prompts", counts.prompts), ("counts.frames", counts.frames),
      ("counts.imageTokens", counts.imageTokens), ("counts.textTokens", counts.textTokens),
    ])
    try require(
      ComputeMode(rawValue: settings.mode) != nil, "settings.mode",
      ComputeMode.allCases.map(\.rawValue).joined(separator: ", "), settings.mode)
    try require(
      PromptTemplate(rawValue: settings.template) != nil, "settings.template",
      PromptTemplate.allCases.map(\.rawValue).joined(separator: ", "), settings.template)
    try require(
      (try? FrameSampling(named: settings.frames)) != nil, "settings.frames", "chat, base or uniform:N",
      settings.frames)
  }
}
