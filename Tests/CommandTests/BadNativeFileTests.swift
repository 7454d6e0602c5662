import CogTestSupport
import Foundation
import Testing

/// Damaged native files through every command that reads them.
@Suite struct BadNativeFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let bundle = Fixtures.path("sample/references/v22_h264-direction.f32.safetensors")
  private static let questions = Fixtures.path("sample/questions.json")

  /// All commands that read a native file.
  private func readers(_ model: String) -> [[String]] {
    [
      ["inspect", model], ["inspect", "--check", model], ["convert", model, "-o", folder.path("out.cogvlm")],
      ["quantize", model, "-o", folder.path("out.cogvlm")],
    ] + runners(model) + [["tokenize", model, "hello"], ["ask", model, "Hello?"]]
  }

  /// The commands that compare every checksum before they run a model.
  private func runners(_ model: String) -> [[String]] {
    [["verify", model, "--reference", Self.bundle], ["eval", model, "--questions", Self.questions]]
  }

  private func damaged(_ change: (Data) -> Data) throws -> String {
    let good = try Data(contentsOf: URL(filePath: SampleModel.float.get()))
    return try folder.write(change(good), as: "bad.cogvlm")
  }

  @Test("A bad native file is refused by every command", arguments: Damage.allCases)
  func refused(_ damage: Damage) throws {
    let path = try damaged(damage.applied)
    for arguments in readers(path) {
      try expectRefusal(arguments, naming: path, saying: damage.name, in: folder)
    }
  }

  @Test("A flipped bit in header, directory, metadata or tokenizer is refused", arguments: 0..<6)
  func bookkeeping(_ place: Int) throws {
    let path = try damaged { good in
      // The header, and places in the last part of the file, where tokenizer, metadata and directory lie.
      let byte = [9, 40, 120, good.count - 1, good.count - 9000, good.count - 60_000][place]
      return flipping(bit: 3, ofByte: byte, in: good)
    }
    // The tokenizer is looked at by those who use it.
    let commands =
      place == 5 ? readers(path).filter { $0[0] != "inspect" || $0.contains("--check") } : readers(path)
    for arguments in commands { try expectRefusal(arguments, naming: path, in: folder) }
  }

  @Test("A flipped bit in a tensor is found by inspect --check, verify, eval, convert and quantize")
  func tensorBit() throws {
    let path = try damaged { flipping(bit: 5, ofByte: 100_000, in: $0) }
    for arguments in [
      ["inspect", "--check", path], ["convert", path, "-o", folder.path("out.cogvlm")],
      ["quantize", path, "-o", folder.path("out.cogvlm")],
    ] + runners(path) {
      try expectRefusal(arguments, naming: path, saying: "model.embed_tokens.weight", in: folder)
    }
  }

  @Test("Flipped bits in tensors never trap the engine", arguments: 0..<8)
  func wildWeights(_ round: Int) throws {
    let path = try damaged { good in
      // The exponents of one value in 1,000: enormous numbers, infinities and NaN.
      stride(from: 4097 + 2 * round, to: good.count - 300_000, by: 2000).reduce(into: good) { data, byte in
        data[byte] = round.isMultiple(of: 2) ? 0x7F : 0xFF
      }
    }
    let outcome = try Command.run([
      "ask", path, "--mode", round < 4 ? "float32" : "bfloat16", "--max-new-tokens", "3", "Hello?",
    ])
    #expect([0, 2].contains(outcome.status), "\(outcome.errors)")
  }

  @Test("A damaged sample of the format is refused", arguments: try Self.badSamples())
  func samples(_ name: String) throws {
    let path = Fixtures.packageFolder.appending(path: "Formats/samples/bad/\(name)").path
    try expectRefusal(["inspect", "--check", path], naming: name, in: folder)
  }

  private static func badSamples() throws -> [String] {
    try FileManager.default.contentsOfDirectory(
      atPath: Fixtures.packageFolder.appending(path: "Formats/samples/bad").path
    ).filter { $0.hasSuffix(".cogvlm") }.sorted()
  }

  @Test("A checkpoint given as a model is named, with the command that makes one of it")
  func checkpoints() throws {
    for path in [
      Fixtures.path("sample/checkpoint"), Fixtures.path("sample/checkpoint/model-00001-of-00003.safetensors"),
      Fixtures.path("tiny/checkpoint-bin/pytorch_model-00001-of-00002.bin"),
    ] {
      for arguments in runners(path) + [["ask", path, "Hello?"]] {
        try expectRefusal(arguments, naming: path, saying: "cogvlm convert", in: folder)
      }
    }
  }

  @Test("A quantized file is no source")
  func quantizedTwice() throws {
    for command in ["quantize", "convert"] {
      try expectRefusal(
        [command, SampleModel.int4.get(), "-o", folder.path("out.cogvlm")], naming: SampleModel.int4.get(),
        saying: "quantized already", in: folder)
    }
  }
}
