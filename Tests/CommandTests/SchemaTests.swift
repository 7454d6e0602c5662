import CogTestSupport
import Foundation
import Testing

/// `Formats/json` beside what the binary prints.
@Suite struct SchemaTests {
  private static let validator = Fixtures.packageFolder.appending(path: "Tests/Python/validate_documents.py")
    .path
  private static let folder = Fixtures.packageFolder.appending(path: "Formats/json")

  private static let checkpoint = Fixtures.path("sample/checkpoint")
  private let documents: JSONDocuments

  init() throws { documents = try JSONDocuments() }

  /// The names of the schemas, which are those of the commands; `convert` and `quantize` share one,
  /// `verify` has another with `--against`, `stats` over a calibration file.
  private static func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".schema.json") }
      .map { String($0.dropLast(".schema.json".count)) }.sorted()
  }

  @Test("Every command with --json has a schema, and every schema is a command's")
  func complete() throws {
    let commands = try Documentation.commands().filter { $0.arguments.contains("--json") }.map(\.name)
    let named = Set(commands.map { ["convert", "quantize"].contains($0) ? "conversion" : $0 })
    #expect(
      try Self.names()
        == named.union([
          "ask-segments", "verify-against", "stats-calibration", "score-pair",
        ]).sorted())
  }

  @Test(
    "Documents that the binary prints fit their schema, have all of its keys, and changed ones do not fit",
    .enabled(if: Python.hasJSONSchema, "needs python3 with jsonschema"),
    arguments: JSONDocuments.makers.keys.sorted())
  func validates(_ name: String) throws {
    let make = try #require(JSONDocuments.makers[name])
    let files = try make(documents)()
    #expect(files.count > 1)
    let schema = Self.folder.appending(path: "\(name).schema.json").path
    let outcome = try Python.run([Self.validator, schema] + files)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
  }

  @Test("Every schema has its documents here")
  func covered() throws { #expect(try Self.names() == JSONDocuments.makers.keys.sorted()) }

  @Test(
    "The check itself notices a schema that is too wide, lacks a key, or has a key that no document has",
    .enabled(if: Python.hasJSONSchema, "needs python3 with jsonschema"))
  func notices() throws {
    let text = try String(contentsOf: Self.folder.appending(path: "frames.schema.json"), encoding: .utf8)
    let files = try documents.frames()
    for (from, to, finding) in [
      (#""additionalProperties": false"#, #""additionalProperties": true"#, "may have a key more"),
      (#""width", "#, "", "width of"), (#""width": "#, #""breadth": "#, "Additional properties"),
      (#""width": "#, #""depth": {"type": "integer"}, "width": "#, "no document has the key depth"),
      (#""type": "number", "minimum": 0"#, #""minimum": 0"#, "may be"),
    ] {
      let changed = text.replacingOccurrences(of: from, with: to)
      #expect(changed != text)
      let schema = try documents.folder.write(changed.utf8, as: "changed.schema.json")
      let outcome = try Python.run([Self.validator, schema] + files)
      #expect(
        outcome.status == 1 && outcome.output.contains(finding), "\(from): \(outcome.output)\(outcome.errors)"
      )
    }
  }
}
