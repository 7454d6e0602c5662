import CogBase
import CogTestSupport
import CogText
import Foundation

/// The data of `Tests/Fixtures/text`, and how tests read it.
enum TextFixtures {
  static func bytes(_ name: String) throws -> [UInt8] { try bytes(path: Fixtures.path("text/\(name)")) }

  static func bytes(path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

  /// The elements of a fixture that is one JSON array.
  static func cases(_ name: String) throws -> [JSON] {
    try require(JSON.parse(bytes(name), what: name).elements, name)
  }

  /// A tokenizer of the folder with parts of its text replaced; each must be there.
  static func tokenizer(_ name: String, changing changes: [(old: String, new: String)] = []) throws
    -> Tokenizer
  {
    try tokenizer(changed(name, changes), file: name)
  }

  /// A tokenizer of the folder that takes whole pieces only where merges make them.
  static func tokenizerWithMerges(_ name: String) throws -> Tokenizer {
    let isSpaced = name.hasPrefix("compact")
    let setting = isSpaced ? "\"ignore_merges\": " : "\"ignore_merges\":"
    return try tokenizer(name, changing: [(setting + "true", setting + "false")])
  }

  static func changed(_ name: String, _ changes: [(old: String, new: String)]) throws -> [UInt8] {
    var text = String(decoding: try bytes(name), as: UTF8.self)
    for change in changes {
      guard text.contains(change.old) else { throw Missing(what: change.old) }
      text = text.replacingOccurrences(of: change.old, with: change.new)
    }
    return Array(text.utf8)
  }

  static func tokenizer(_ json: [UInt8], file: String) throws -> Tokenizer {
    try json.withUnsafeBytes { try Tokenizer(json: $0, file: file) }
  }

  static func tokenizer(encoded: [UInt8]) throws -> Tokenizer {
    try encoded.withUnsafeBytes { try Tokenizer(encoded: $0, file: "model.cogvlm") }
  }

  struct Missing: Error, CustomStringConvertible {
    let what: String
    var description: String { "the fixture lacks \(what)" }
  }

  static func require<Value>(_ value: Value?, _ what: String) throws -> Value {
    guard let value else { throw Missing(what: what) }
    return value
  }

  static func text(_ object: JSON, _ key: String) throws -> String { try require(object[key]?.text, key) }

  static func integers(_ object: JSON, _ key: String) throws -> [Int] {
    try require(object[key]?.elements, key).map { try require($0.integer, key) }
  }

  /// Strings compare scalar by scalar here: Swift's `==` takes "é" and "e" with an accent for the same.
  static func scalars(_ text: String) -> [UInt32] { text.unicodeScalars.map(\.value) }
}
