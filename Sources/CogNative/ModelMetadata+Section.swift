import CogBase
import CogModel
import Foundation

extension ModelMetadata {
  /// A limit far above any real metadata, which keeps a hostile file from asking for much memory.
  static let maximumBytes = 1 << 24

  /// Reads the metadata section. The toolkit's own JSON reader takes it, because Foundation's keeps one of
  /// two equal keys without a word.
  init(section bytes: UnsafeRawBufferPointer) throws {
    guard bytes.count <= Self.maximumBytes else {
      throw CogError(
        "the metadata is too large", expected: "at most \(Self.maximumBytes) bytes", found: "\(bytes.count)")
    }
    let root = try JSON.parse(bytes, what: "metadata")
    let provenance = try Self.value(root, "provenance", path: "", Self.object, "an object")
    let recipe = try Self.value(root, "recipe", path: "", Self.object, "an object")
    let config = try Self.text(root, "config", path: "")
    let sources = try Self.elements(provenance, "sources", path: "provenance.")
    self.init(
      config: config, endOfText: try Self.endOfText(root),
      provenance: Provenance(
        tool: try Self.text(provenance, "tool", path: "provenance."),
        sources: try sources.map(Self.sourceFile)),
      recipe: try Self.recipe(recipe), warnings: try Self.warnings(root))
  }

  /// The bytes of the metadata section: the same for equal metadata.
  func section() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try Array(encoder.encode(self))
  }

  /// The ids that end an answer; nil where the file has no such field, as files of older versions do.
  private static func endOfText(_ root: JSON) throws -> [Int]? {
    guard root["endOfText"] != nil else { return nil }
    return try elements(root, "endOfText", path: "").map { element in
      guard let id = element.integer, id >= 0 else {
        throw CogError(
          "a field of the metadata is wrong", subject: "endOfText", expected: "token ids",
          found: element.kind)
      }
      return id
    }
  }

  /// What was lost; nil where the file has no such field.
  private static func warnings(_ root: JSON) throws -> [String]? {
    guard root["warnings"] != nil else { return nil }
    return try elements(root, "warnings", path: "").map { element in
      guard let text = element.text else {
        throw CogError(
          "a field of the metadata is wrong", subject: "warnings", expected: "strings", found: element.kind)
      }
      return text
    }
  }

  private static func sourceFile(_ json: JSON) throws -> SourceFile {
    let path = "provenance.sources."
    return SourceFile(
      name: try text(json, "name", path: path),
      bytes: try value(
        json, "bytes", path: path, { $0.integer.flatMap { $0 >= 0 ? $0 : nil } }, "a number of bytes"),
      sha256: try text(json, "sha256", path: path))
  }

  private static func recipe(_ json: JSON) throws -> Recipe {
    func text(_ key: String) throws -> String { try Self.text(json, key, path: "recipe.") }
    let overrides = try elements(json, "overrides", path: "recipe.").map { entry in
      Override(
        pattern: try Self.text(entry, "pattern", path: "recipe.overrides."),
        encoding: try Self.text(entry, "encoding", path: "recipe.overrides."))
    }
    return Recipe(
      linear: try text("linear"), vision: try text("vision"), adapter: try text("adapter"),
      embedding: try text("embedding"), head: try text("head"), other: try text("other"),
      overrides: overrides,
      method: try text("method"), calibration: try texts(json, "calibration"),
      budget: try texts(json, "budget"))
  }

  /// Texts by name; nil where the recipe has no such field.
  private static func texts(_ recipe: JSON, _ key: String) throws -> [String: String]? {
    guard recipe[key] != nil else { return nil }
    let path = "recipe.\(key)"
    let object = try value(recipe, key, path: "recipe.", object, "an object")
    let entries = try (object.members ?? []).map { member in
      (member.key, try text(object, member.key, path: path + "."))
    }
    return Dictionary(entries) { first, _ in first }
  }

  private static func object(_ json: JSON) -> JSON? { json.members == nil ? nil : json }

  private static func text(_ json: JSON, _ key: String, path: String) throws -> String {
    try value(json, key, path: path, \.text, "a string")
  }

  private static func elements(_ json: JSON, _ key: String, path: String) throws -> [JSON] {
    try value(json, key, path: path, \.elements, "a list")
  }

  private static func value<Value>(
    _ json: JSON, _ key: String, path: String, _ read: (JSON) -> Value?, _ expected: String
  ) throws -> Value {
    guard let field = json[key] else { throw CogError("the metadata lacks a field", subject: path + key) }
    guard let value = read(field) else {
      throw CogError(
        "a field of the metadata is wrong", subject: path + key, expected: expected, found: field.kind)
    }
    return value
  }
}
