import CogTestSupport
import Foundation
import Testing

/// `cogvlm tokenize` in its four directions against what the `tokenizers` package gives.
@Suite struct TokenizeTests {
  struct Vector: Decodable {
    let text: String
    let compact: [Int]
  }

  struct Decoding: Decodable {
    let tokenizer: String
    let ids: [Int]
    let all: String
  }

  /// The sample's tokenizer is the compact one of the vectors.
  private static func models() throws -> [String] {
    [
      try SampleModel.float.get(), Fixtures.path("sample/checkpoint"),
      Fixtures.path("sample/checkpoint/tokenizer.json"),
    ]
  }

  private static func read<Value: Decodable>(_ name: String) throws -> [Value] {
    try JSONDecoder().decode(
      [Value].self, from: Data(contentsOf: URL(filePath: Fixtures.path("text/\(name)"))))
  }

  private static func vectors() throws -> [Vector] {
    try read("tokenizer-vectors.json") + read("encodings.json")
  }

  /// Values as one JSON document on each line.
  private static func lines(_ values: [some Encodable]) throws -> String {
    try values.map {
      String(decoding: try JSONEncoder().encode([$0]).dropFirst().dropLast(), as: UTF8.self) + "\n"
    }
    .joined()
  }

  @Test("Texts become the vectors' ids, line by line, with a native file and with a folder")
  func encodeLines() throws {
    let vectors = try Self.vectors()
    let input = try Self.lines(vectors.map(\.text))
    for model in try Self.models() {
      let outcome = try Command.run(["tokenize", model, "--json"], input: input)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let ids = try outcome.output.split(separator: "\n").map {
        try JSONDecoder().decode([Int].self, from: Data($0.utf8))
      }
      #expect(ids == vectors.map(\.compact))
    }
  }

  @Test("Ids become the vectors' texts, line by line, with a native file and with a folder")
  func decodeLines() throws {
    let decodings: [Decoding] = try Self.read("decodings.json").filter { $0.tokenizer == "compact" }
    try #require(decodings.count > 100)
    let input = try Self.lines(decodings.map(\.ids))
    for model in try Self.models() {
      let outcome = try Command.run(["tokenize", model, "--json", "--decode"], input: input)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let texts = try outcome.output.split(separator: "\n").map {
        try JSONDecoder().decode([String].self, from: Data("[\($0)]".utf8))[0]
      }
      #expect(texts == decodings.map(\.all))
    }
  }

  @Test("A text as an argument becomes ids, and the ids become the text")
  func arguments() throws {
    // What a command line can hold: no NUL, not empty, and nothing that looks like an option.
    let vectors = try Self.vectors().filter {
      !$0.text.isEmpty && !$0.text.utf8.contains(0) && !$0.text.hasPrefix("-")
    }
    let model = try SampleModel.float.get()
    for vector in vectors.prefix(40) {
      let ids = vector.compact.map(String.init).joined(separator: " ")
      #expect(try Command.run(["tokenize", model, vector.text]).output == ids + "\n")
      #expect(try Command.run(["tokenize", "--decode", model, ids]).output == vector.text + "\n")
    }
  }

  @Test("Ids may stand on lines of their own")
  func separators() throws {
    let command = ["tokenize", "--decode", Fixtures.path("sample/checkpoint")]
    let text = try Command.run(command + ["48 290 374"]).output
    #expect(try Command.run(command + [" 48\n290,\t374\r\n"]).output == text)
  }

  @Test(
    "Bad input is refused with its place",
    arguments: [
      (["--decode", "1 two 3"], "", "two"), (["--decode", "999999"], "", "999999"),
      (["--json"], "\"a\"\nnot JSON\n", "line 2"), (["--json"], "[1]\n", "line 1"),
      (["--json", "--decode"], "\"text\"\n", "line 1"), (["--json", "--decode"], "[1.5]\n", "line 1"),
      (["--json", "--decode"], "[-1]\n", "-1"), (["--json"], "\"a\"\n\n\"b\"\n", "line 2"),
      (["--json", "--decode"], "[1]\n[999999]\n", "line 2, token 999999"),
    ])
  func badInput(_ arguments: [String], _ input: String, _ cause: String) throws {
    let outcome = try Command.run(
      ["tokenize", Fixtures.path("sample/checkpoint")] + arguments, input: input)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(cause), "\(outcome.errors)")
  }
}
