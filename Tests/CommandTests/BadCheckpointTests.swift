import CogTestSupport
import Foundation
import Testing

/// Damaged checkpoints through every command that reads checkpoints.
@Suite struct BadCheckpointTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The commands that read a whole checkpoint.
  private func readers(_ source: String) -> [[String]] {
    [
      ["inspect", "--check", source], ["convert", source, "-o", folder.path("out.cogvlm")],
      ["quantize", "--json", source, "-o", folder.path("out.cogvlm")],
    ]
  }

  private func expectRefused(
    _ damage: Damage, _ name: String, of fixture: String, saying cause: String? = nil
  ) throws {
    let source = try folder.copy(fixture)
    try rewrite("\(source)/\(name)", damage.applied)
    for arguments in readers(source) {
      try expectRefusal(arguments, naming: name, saying: cause, in: folder)
    }
  }

  @Test("A bad shard is refused", arguments: Damage.allCases)
  func shard(_ damage: Damage) throws {
    try expectRefused(
      damage, "model-00002-of-00003.safetensors", of: "sample/checkpoint", saying: damage.name)
  }

  @Test("A bad PyTorch shard is refused", arguments: Damage.allCases)
  func torchShard(_ damage: Damage) throws {
    try expectRefused(
      damage, "pytorch_model-00002-of-00002.bin", of: "tiny/checkpoint-bin", saying: damage.name)
  }

  @Test(
    "A bad index is refused",
    arguments: Damage.allCases,
    [
      ("sample/checkpoint", "model.safetensors.index.json"),
      ("tiny/checkpoint-bin", "pytorch_model.bin.index.json"),
    ])
  func index(_ damage: Damage, _ place: (fixture: String, name: String)) throws {
    try expectRefused(damage, place.name, of: place.fixture, saying: damage.name)
  }

  @Test("A bad config.json is refused", arguments: Damage.allCases)
  func configuration(_ damage: Damage) throws {
    try expectRefused(damage, "config.json", of: "sample/checkpoint")
  }

  @Test("A bad tokenizer.json is refused, by inspect --check and tokenize too", arguments: Damage.allCases)
  func tokenizer(_ damage: Damage) throws {
    try expectRefused(damage, "tokenizer.json", of: "sample/checkpoint", saying: damage.name)
    try expectRefusal(
      ["tokenize", folder.path("copy"), "hello"], naming: "tokenizer.json", saying: damage.name, in: folder)
  }

  @Test("A flipped bit in a PyTorch tensor is found by its checksum, also by inspect --check")
  func torchBit() throws {
    let name = "pytorch_model-00001-of-00002.bin"
    let source = try folder.copy("tiny/checkpoint-bin")
    try rewrite("\(source)/\(name)") { flipping(bit: 4, ofByte: $0.count / 2, in: $0) }
    for arguments in readers(source) {
      try expectRefusal(arguments, naming: name, saying: "checksum", in: folder)
    }
  }

  @Test("A flipped bit anywhere in a header is refused or harmless, never a trap", arguments: 0..<24)
  func headerBits(_ round: Int) throws {
    let name = "model-00001-of-00003.safetensors"
    let source = try folder.copy("sample/checkpoint")
    // Spread over the 8 bytes of the length and the JSON behind them.
    let place = round < 8 ? round : round * 229
    try rewrite("\(source)/\(name)") { flipping(bit: round % 8, ofByte: place, in: $0) }
    let outcome = try Command.run(["inspect", "--check", source])
    #expect([0, 1, 2].contains(outcome.status), "byte \(place): \(outcome.errors)")
    if outcome.status == 2 { #expect(outcome.errors.contains(name), "\(outcome.errors)") }
  }

  @Test("A missing shard, config.json or tokenizer.json is named")
  func missing() throws {
    for name in ["model-00003-of-00003.safetensors", "config.json", "tokenizer.json"] {
      let source = try folder.copy("sample/checkpoint", as: name + ".d")
      try FileManager.default.removeItem(atPath: "\(source)/\(name)")
      try expectRefusal(
        ["convert", source, "-o", folder.path("out.cogvlm")], naming: name, in: folder)
    }
  }

  @Test(
    "A folder in place of a file is named",
    arguments: ["config.json", "tokenizer.json", "model-00002-of-00003.safetensors"])
  func folderInPlace(_ name: String) throws {
    let source = try folder.copy("tiny/checkpoint")
    try FileManager.default.removeItem(atPath: "\(source)/\(name)")
    try FileManager.default.createDirectory(atPath: "\(source)/\(name)", withIntermediateDirectories: false)
    for arguments in readers(source) {
      try expectRefusal(arguments, naming: name, saying: "found a folder", in: folder)
    }
  }

  @Test(
    "A folder that may not be read is named in plain words", .enabled(if: geteuid() != 0, "root may read all")
  )
  func unreadableFolder() throws {
    let source = try folder.copy("tiny/checkpoint")
    chmod(source, 0)
    defer { chmod(source, 0o755) }
    let outcome = try Command.run(["inspect", source])
    #expect(outcome.status == 2 && outcome.errors.contains("cannot list the folder: Permission denied"))
  }

  @Test(
    "A checkpoint that lacks a tensor is read: inspect --check exits with 1, convert with 2"
  )
  func incomplete() throws {
    let source = folder.path("incomplete")
    let checkpoint = try Safetensors(folder: Fixtures.path("tiny/checkpoint"))
    try checkpoint.removing("model.norm.weight").write(
      toFolder: source, with: "tiny/checkpoint")
    let outcome = try Command.run(["inspect", "--check", source])
    #expect(outcome.status == 1)
    #expect(outcome.errors == "")
    #expect(outcome.output.contains("1 missing: model.norm.weight"))
    let document = try Command.run(["inspect", "--check", "--json", source]).json()
    let completeness = try #require(document["completeness"] as? [String: Any])
    #expect(completeness["missing"] as? [String] == ["model.norm.weight"])
    try expectRefusal(
      ["convert", source, "-o", folder.path("out.cogvlm")], naming: source, saying: "model.norm.weight",
      in: folder)
  }

  @Test("A misshapen, an extra and a doubled tensor are reported")
  func wrongTensors() throws {
    let checkpoint = try Safetensors(folder: Fixtures.path("tiny/checkpoint"))
    var wrong = checkpoint.removing("model.norm.weight")
    wrong.append("model.norm.weight", type: "BF16", shape: [2, 3], bytes: Data(count: 12))
    wrong.append("model.surplus", type: "BF16", shape: [1], bytes: Data(count: 2))
    try wrong.write(toFolder: folder.path("wrong"), with: "tiny/checkpoint")
    let outcome = try Command.run(["inspect", "--check", folder.path("wrong")])
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("1 not of this model: model.surplus"))
    #expect(outcome.output.contains("1 of a wrong shape: model.norm.weight"))

    let twice = try folder.copy("tiny/checkpoint", as: "twice")
    try Safetensors(tensors: checkpoint.tensors.filter { $0.name == "model.norm.weight" })
      .encoded().write(to: URL(filePath: "\(twice)/second.safetensors"))
    try FileManager.default.removeItem(atPath: "\(twice)/model.safetensors.index.json")
    try expectRefusal(
      ["inspect", "--check", twice], naming: "second.safetensors", saying: "model.norm.weight", in: folder)
  }

  @Test("A path that is not there is named", arguments: ["inspect", "convert", "quantize"])
  func nothing(_ command: String) throws {
    let output = command == "inspect" ? [] : ["-o", folder.path("out.cogvlm")]
    try expectRefusal(
      [command, folder.path("none")] + output, naming: folder.path("none"), in: folder)
  }
}
