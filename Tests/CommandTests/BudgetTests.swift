import CogTestSupport
import Foundation
import Testing

/// `cogvlm quantize --target-bits`: what is chosen, where it is shown, and refusals.
@Suite struct BudgetTests {
  private let folder: TemporaryFolder
  private static let source = Fixtures.path("sample/checkpoint")

  init() throws { folder = try TemporaryFolder() }

  private func run(_ options: [String], to name: String = "out.cogvlm") throws -> Program.Outcome {
    try Command.run(["quantize", Self.source, "-o", folder.path(name)] + options)
  }

  private func budget(_ bits: String, _ options: [String] = []) throws -> (
    budget: [String: Any], tensors: [[String: Any]]
  ) {
    let outcome = try run(
      ["--target-bits", bits, "--calibration", SampleModel.calibration.get(), "--json"] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    let document = try outcome.json()
    return (
      try #require(document["budget"] as? [String: Any]),
      try #require(document["tensors"] as? [[String: Any]])
    )
  }

  /// Mean bits over the linear layers, from what the tensors take in the file.
  private func storedBits(_ tensors: [[String: Any]]) throws -> Double {
    let linear = try tensors.filter { tensor in
      let (name, part) = (
        try #require(tensor["name"] as? String), try #require(tensor["part"] as? String)
      )
      return try #require(tensor["shape"] as? [Int]).count == 2
        && ["language", "vision", "adapter"].contains(part)
        && !name.contains("embedding")
    }
    let bytes = linear.reduce(0) { $0 + ($1["bytes"] as? Int ?? 0) }
    let weights = linear.reduce(0) { $0 + ($1["shape"] as? [Int] ?? []).reduce(1, *) }
    return 8 * Double(bytes) / Double(weights)
  }

  @Test(
    "The bits of the file are the budget's, below the target by one step at most", arguments: [4.6, 6, 11])
  func target(bits: Double) throws {
    let (budget, tensors) = try budget("\(bits)")
    let spent = try #require(budget["bits"] as? Double)
    #expect(spent <= bits && spent > bits - 0.6)
    #expect(try abs(storedBits(tensors) - spent) < 1e-9)
    let encodings = Dictionary(
      uniqueKeysWithValues: tensors.map { ($0["name"] as? String ?? "", $0["encoding"] as? String ?? "") })
    let choices = try #require(budget["choices"] as? [[String: Any]])
    #expect(choices.count == 31)
    for choice in choices {
      for name in try #require(choice["tensors"] as? [String]) {
        #expect(encodings[name] == choice["encoding"] as? String)
      }
    }
    #expect(encodings["lm_head.weight"] == "int8/64")
  }

  @Test("Finer encodings are said to cost less, and layers that are computed together share theirs")
  func estimates() throws {
    for choice in try #require(budget("5").budget["choices"] as? [[String: Any]]) {
      let candidates = try #require(choice["candidates"] as? [[String: Any]])
      let damage = candidates.compactMap { $0["damage"] as? Double }
      #expect(damage.count == 5 && damage.allSatisfy(\.isFinite))
      #expect(damage[1] < damage[0] && damage[2] < damage[1] && damage[3] < damage[2] / 50)
      #expect(damage[4] == 0)
      let names = try #require(choice["tensors"] as? [String])
      let isPair = names[0].contains("fc1") || names[0].contains("gate_proj")
      #expect(names.count == (isPair ? 2 : 1))
    }
  }

  @Test("The file says what was chosen and why; inspect, the page and the summary show it")
  func shown() throws {
    let outcome = try run(["--target-bits", "5.5", "--calibration", SampleModel.calibration.get()])
    #expect(outcome.status == 0 && outcome.output.contains("bits per weight of at most 5.5"))
    #expect(outcome.output.contains("model.layers.*.mlp.language_mlp.down_proj.weight"))
    let inspection = try Command.run(["inspect", folder.path("out.cogvlm"), "--metadata", "--json"])
    let metadata = try #require(inspection.json()["metadata"] as? [String: String])
    #expect(metadata["recipe.budget.targetBits"] == "5.5")
    #expect(metadata["recipe.budget.moments"] == metadata["recipe.calibration.moments"])
    #expect(metadata["recipe.overrides.0"] != nil)
    let page = try Command.run(["stats", folder.path("out.cogvlm"), "--html", "-"])
    #expect(page.status == 0 && page.output.contains("Encodings of the linear layers"))
  }

  @Test("Exceptions stand, and count; the same command gives the same bytes with any number of threads")
  func exceptions() throws {
    let options = [
      "--target-bits", "6", "--calibration", try SampleModel.calibration.get(), "--set",
      "model.layers.0.*=int8/32", "--json",
    ]
    let first = try run(options + ["--threads", "1"])
    try #require(first.status == 0, "\(first.errors)")
    let document = try first.json()
    let tensors = try #require(document["tensors"] as? [[String: Any]])
    for tensor in tensors where (tensor["name"] as? String)?.hasPrefix("model.layers.0.mlp") == true {
      #expect(tensor["encoding"] as? String == "int8/32")
    }
    let budget = try #require(document["budget"] as? [String: Any])
    #expect(try abs(storedBits(tensors) - #require(budget["bits"] as? Double)) < 1e-9)
    let second = try run(options + ["--threads", "3"], to: "other.cogvlm")
    #expect(second.status == 0)
    let files = try ["out.cogvlm", "other.cogvlm"].map {
      try Data(contentsOf: URL(filePath: folder.path($0)))
    }
    #expect(files[0] == files[1])
  }

  @Test("A budget that was interrupted goes on with the same choices and bytes; another one is refused")
  func resume() throws {
    let options = ["--target-bits", "5", "--calibration", try SampleModel.calibration.get()]
    #expect(try run(options, to: "whole").status == 0)
    // No file may have more than some 512 KB.
    let cut = try Command.run(
      [
        "-c", "ulimit -f 1000; exec \"$@\"", "sh", Command.binary.path, "quantize", Self.source, "-o",
        folder.path("out"),
      ] + options, executable: URL(filePath: "/bin/sh"))
    #expect(cut.status == 2 && cut.errors.contains("to go on: "), "\(cut.errors)")
    let other = try run(
      ["--target-bits", "6", "--calibration", SampleModel.calibration.get(), "--resume"], to: "out")
    #expect(other.status == 2 && other.errors.contains("recipe: "), "\(other.errors)")
    let resumed = try run(options + ["--resume"], to: "out")
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try folder.contents() == ["out", "whole"])
    let files = try ["whole", "out"].map { try Data(contentsOf: URL(filePath: folder.path($0))) }
    #expect(files[0] == files[1])
  }

  @Test("Bits that cannot be are refused with those that can", arguments: ["1", "4", "16.5", "99"])
  func outOfReach(bits: String) throws {
    let outcome = try run(["--target-bits", bits, "--calibration", SampleModel.calibration.get()])
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("--target-bits") && outcome.errors.contains("to 16.0 bits"))
    #expect(try folder.contents() == [])
  }

  @Test(
    "What does not go together is wrong usage",
    arguments: [
      ["--target-bits", "5"], ["--target-bits", "0", "--calibration", "x"],
      ["--target-bits", "nan", "--calibration", "x"],
      ["--target-bits", "5", "--calibration", "x", "--linear", "int4"],
      ["--target-bits", "5", "--calibration", "x", "--keep-non-finite"],
      ["--target-bits", "5", "--calibration", "x", "--method", "absmax"],
      ["--target-bits", "5", "--calibration", "x", "--method", "gptq"],
    ])
  func usage(options: [String]) throws {
    let outcome = try run(options)
    #expect(outcome.status == 64, "\(outcome.errors)")
    #expect(try folder.contents() == [])
  }

  @Test("GPTQ rounds within a budget too")
  func gptq() throws {
    let outcome = try run([
      "--target-bits", "5", "--calibration", SampleModel.calibration.get(), "--method", "gptq",
      "--calibration-questions", Fixtures.path("sample/questions.json"), "--only", "v22*",
    ])
    try #require(outcome.status == 0, "\(outcome.errors)")
    let inspection = try Command.run(["inspect", folder.path("out.cogvlm"), "--metadata", "--json"])
    let metadata = try #require(inspection.json()["metadata"] as? [String: String])
    #expect(metadata["method"]?.hasPrefix("GPTQ") == true && metadata["recipe.budget.targetBits"] == "5.0")
  }
}
