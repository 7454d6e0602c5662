import CogFuzzing
import CogTestSupport
import Foundation
import Testing

/// Replays what fuzzers kept and found: `Tests/Fixtures/fuzz/PARSER`, one input a file.
@Suite("Inputs that fuzzers kept") struct CorpusTests {
  private static let folder = Fixtures.folder.appending(path: "fuzz")

  @Test(
    "Every input is read or refused within 2 s and 256 MB above its size, and traps nothing",
    arguments: FuzzTarget.allCases)
  func replay(_ target: FuzzTarget) throws {
    let folder = Self.folder.appending(path: target.rawValue)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(names.count >= 10, "the corpus of \(target) is not whole")
    let outcome = try Program.run(
      Program.built("fuzz-replay"), [target.rawValue] + names.map { folder.appending(path: $0).path })
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == names.count)
    // A parser that refuses everything, or nothing, is not looked at by its corpus.
    #expect(lines.contains { $0.hasSuffix(", read") }, "no input of \(target) is read")
    #expect(lines.contains { $0.contains(", refused: ") }, "no input of \(target) is refused")
  }

  @Test("Every parser has a corpus, and every corpus a parser")
  func complete() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    #expect(Set(folders).subtracting(["README.md"]) == Set(FuzzTarget.allCases.map(\.rawValue)))
  }

  @Test("Every parser has a fuzzer in the package")
  func fuzzers() throws {
    let folder = Fixtures.packageFolder.appending(path: "Tests/Fuzzers")
    let folders = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(folders.sorted() == FuzzTarget.allCases.map(\.rawValue).sorted())
    for name in folders {
      let text = try String(contentsOf: folder.appending(path: "\(name)/Fuzzer.swift"), encoding: .utf8)
      #expect(text.contains("FuzzTarget.\(name).test("))
    }
  }
}
