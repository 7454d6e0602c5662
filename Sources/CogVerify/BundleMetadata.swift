import CogBase
import CogCompute
import CogModel
import CogText

/// Reads the typed fields of a bundle's metadata, where every value is a string.
struct BundleMetadata {
  private let fields: [String: String]
  private let path: String

  init(_ fields: [String: String], path: String) {
    self.fields = fields
    self.path = path
  }

  /// The highest `bundle_version` that is read; version 1 does not say so.
  private static let knownVersion = 2

  /// - Throws: ``CogError`` when the bundle is of a version to come, whose meaning is not known.
  func checkVersion() throws {
    guard let text = fields["bundle_version"] else { return }
    guard let version = Int(text), (1...Self.knownVersion).contains(version) else {
      throw CogError(
        "the bundle is of a version that is not read", file: path, subject: "bundle_version",
        expected: "1 to \(Self.knownVersion)", found: text,
        advice: "Take a newer cogvlm, or capture the reference again with Tools/capture_reference.py.")
    }
  }

  func computeMode() throws -> ComputeMode {
    switch fields["compute_dtype"] {
    case "float32", "torch.float32", "f32", "fp32": return .float32
    case "bfloat16", "torch.bfloat16", "bf16": return .bfloat16
    case let other:
      throw CogError(
        "the bundle does not say what PyTorch computed in", file: path, subject: "compute_dtype",
        expected: "float32 or bfloat16", found: other ?? "nothing")
    }
  }

  /// The prompt's template; a model's own where the bundle does not say.
  func template(default own: PromptTemplate) throws -> PromptTemplate {
    guard let name = fields["template_version"] else { return own }
    return try naming(file: path) { try PromptTemplate(named: name, subject: "template_version") }
  }

  func integers(_ key: String) throws -> [Int]? {
    try list(key)?.map { element in
      guard let value = element.integer else { throw wrong(key, "a JSON list of ids", element.kind) }
      return value
    }
  }

  func numbers(_ key: String) throws -> [Double]? {
    try list(key)?.map { element in
      guard let value = element.double else { throw wrong(key, "a JSON list of numbers", element.kind) }
      return value
    }
  }

  func number(_ key: String) throws -> Double? {
    guard let text = fields[key] else { return nil }
    guard let value = Double(text) else { throw wrong(key, "a number", text) }
    return value
  }

  func history() throws -> [Turn] {
    try (list("history") ?? []).map { turn in
      guard let texts = turn.elements?.compactMap(\.text), texts.count == 2 else {
        throw wrong("history", "a JSON list of [question, answer]", turn.kind)
      }
      return Turn(question: texts[0], answer: texts[1])
    }
  }

  private func list(_ key: String) throws -> [JSON]? {
    guard let text = fields[key], !text.isEmpty else { return nil }
    let value = try naming(file: path) { try JSON.parse(Array(text.utf8), what: "metadata field \(key)") }
    guard let elements = value.elements else { throw wrong(key, "a JSON list", value.kind) }
    return elements
  }

  private func wrong(_ key: String, _ expected: String, _ found: String) -> CogError {
    CogError("a metadata field is wrong", file: path, subject: key, expected: expected, found: found)
  }
}
