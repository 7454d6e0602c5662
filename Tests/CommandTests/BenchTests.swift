import CogTestSupport
import Foundation
import Testing

@Suite struct BenchTests {
  static let small = ["--prompt-tokens", "8", "--new-tokens", "2", "--frames", "1", "--runs", "1"]

  @Test("bench --preset tiny prints the model, the machine and a table, and leaves no file behind")
  func synthetic() throws {
    let folder = try TemporaryFolder()
    let outcome = try Command.run(
      ["bench", "--preset", "tiny"] + Self.small, environment: ["TMPDIR": folder.url.path])
    #expect(outcome.status == 0, "\(outcome.errors)")
    for word in [
      "synthetic tiny", "kernels", "memory read", "int8 peak", "prefill, 8 tokens", "decode, 2 tokens",
    ] {
      #expect(outcome.output.contains(word), "\(word)")
    }
    #expect(try folder.contents() == [])
  }

  @Test("bench MODEL --json prints one JSON document with the model's sizes")
  func file() throws {
    let outcome = try Command.run(["bench", SampleModel.int4.get(), "--json", "--threads", "1"] + Self.small)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let document = try outcome.json()
    #expect(document["mode"] as? String == "fast")
    #expect((document["machine"] as? [String: Any])?["threads"] as? Int == 1)
    #expect((document["vision"] as? [String: Any])?["frames"] as? Int == 1)
    let decode = try #require(document["decode"] as? [String: Any])
    #expect(
      (decode["tokensPerSecond"] as? [String: Double])?.keys.sorted() == ["maximum", "median", "minimum"])
  }

  @Test("bench --keep leaves a model that bench can run again")
  func keep() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("tiny.cogvlm")
    let options = ["--preset", "tiny", "--recipe", "f16", "--layers", "1", "--keep", path]
    #expect(try Command.run(["bench"] + options + Self.small).status == 0)
    let outcome = try Command.run(["bench", path, "--json"] + Self.small)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try outcome.json()["mode"] as? String == "bfloat16")
  }

  @Test("bench looks at its sizes before it writes, and over no file for a run that cannot be")
  func keepsFiles() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a model".utf8, as: "real.cogvlm")
    for place in [path, folder.path("new.cogvlm")] {
      let outcome = try Command.run(["bench", "--preset", "tiny", "--keep", place, "--prompt-tokens", "5000"])
      #expect(outcome.status == 2 && outcome.errors.contains("context"), "\(outcome.errors)")
    }
    #expect(try folder.contents() == ["real.cogvlm"])
    #expect(try Data(contentsOf: URL(filePath: path)) == Data("a model".utf8))
  }

  @Test(
    "bench refuses options that do not go together or are out of range as wrong usage",
    arguments: [
      ["--runs", "0"], ["--threads", "0"], ["--prompt-tokens", "0"], ["--frames", "-1"],
      ["--preset", "huge"],
      ["model.cogvlm", "--preset", "tiny"], ["model.cogvlm", "--keep", "other.cogvlm"], ["--layers", "0"],
    ])
  func usage(arguments: [String]) throws {
    #expect(try Command.run(["bench"] + arguments).status == 64)
  }

  @Test(
    "bench names what is wrong with its input",
    arguments: [
      (["--preset", "tiny", "--set", "nothing=int8"], "fits no tensor"),
      (["--preset", "tiny", "--prompt-tokens", "3000"], "context"),
      (["missing.cogvlm"], "missing.cogvlm"),
    ])
  func badInput(arguments: [String], words: String) throws {
    let outcome = try Command.run(["bench"] + arguments)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
  }
}
