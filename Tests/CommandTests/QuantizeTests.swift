import CogTestSupport
import Foundation
import Testing

/// `cogvlm quantize`: options, summary, refusals and interruption.
@Suite struct QuantizeTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let source = Fixtures.path("sample/checkpoint")

  /// Quantizes the sample and returns the JSON summary.
  private func summary(_ options: [String]) throws -> [String: Any] {
    let outcome = try Command.run(
      ["quantize", Self.source, "-o", folder.path("out.cogvlm"), "--json"] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors == "")
    return try outcome.json()
  }

  /// The encoding of each tensor.
  private func encodings(_ options: [String]) throws -> [String: String] {
    let tensors = try #require(summary(options)["tensors"] as? [[String: Any]])
    return try Dictionary(
      uniqueKeysWithValues: tensors.map {
        (try #require($0["name"] as? String), try #require($0["encoding"] as? String))
      })
  }

  @Test("The default is int4 in groups of 64 with the tables in int8, at most 0.29 of BF16")
  func defaults() throws {
    let summary = try summary([])
    let ratio = try #require(summary["int4Ratio"] as? Double)
    #expect(ratio > 0.25 && ratio <= 0.29)
    let tensors = try #require(summary["tensors"] as? [[String: Any]])
    #expect(tensors.count == 97)
    let size = try #require(folder.inventory()["out.cogvlm"])
    #expect(summary["fileBytes"] as? Int == size)
    for tensor in tensors where tensor["isQuantized"] as? Bool == true {
      let error = try #require(tensor["error"] as? [String: Any])
      let relativeRMS = try #require(error["relativeRMS"] as? Double)
      #expect(relativeRMS > 0 && relativeRMS < 0.15)
      #expect(error["sqnr"] is Double && error["worstGroup"] is Double)
    }
    let encodings = try encodings([])
    #expect(encodings["model.embed_tokens.weight"] == "int8/64")
    #expect(encodings["lm_head.weight"] == "int8/64")
    #expect(encodings["model.layers.0.mlp.language_mlp.up_proj.weight"] == "int4/64")
    #expect(encodings["model.norm.weight"] == "BF16")
    #expect(encodings["model.vision.conv.weight"] == "BF16")
    #expect(encodings["model.vision.boi"] == "BF16")
  }

  @Test("Every kind of tensor has its own option, and --set makes exceptions of which the last counts")
  func options() throws {
    let encodings = try encodings([
      "--linear", "int4/32", "--vision", "int8/128", "--adapter", "bf16", "--embedding", "f16", "--head",
      "int4/128", "--other", "f32", "--set", "model.layers.1.*=int8/32", "--set",
      "model.layers.1.mlp.*=source",
    ])
    #expect(encodings["model.layers.0.mlp.language_mlp.up_proj.weight"] == "int4/32")
    #expect(encodings["model.vision.transformer.layers.0.mlp.fc1.weight"] == "int8/128")
    #expect(encodings["model.vision.linear_proj.gate_proj.weight"] == "BF16")
    #expect(encodings["model.embed_tokens.weight"] == "F16")
    #expect(encodings["lm_head.weight"] == "int4/128")
    #expect(encodings["model.norm.weight"] == "F32")
    #expect(encodings["model.layers.1.self_attn.language_expert_dense.weight"] == "int8/32")
    #expect(encodings["model.layers.1.mlp.language_mlp.up_proj.weight"] == "BF16")
    #expect(encodings["model.layers.1.self_attn.rotary_emb.inv_freq"] == "BF16")
  }

  @Test(
    "A preset names its encodings",
    arguments: ["int4": "int4/64", "int4-small": "int4/128", "int4-fine": "int4/32", "int8": "int8/64"])
  func presets(_ name: String, _ encoding: String) throws {
    let encodings = try encodings(["--preset", name])
    #expect(encodings["model.layers.0.mlp.language_mlp.up_proj.weight"] == encoding)
  }

  @Test(
    "What is not known is wrong usage, and what is allowed is named",
    arguments: [
      (["--linear", "int3"], "int4/128"), (["--linear", "int4/48"], "int4/32"), (["--head", ""], "int8/64"),
      (["--preset", "tiny"], "int4-small"), (["--other", "int4"], "BF16"),
      (["--set", "x"], "PATTERN=ENCODING"), (["--set", "model.layers.*=int5"], "int4/64"),
    ])
  func unknown(_ options: [String], _ allowed: String) throws {
    let outcome = try Command.run(["quantize", Self.source, "-o", folder.path("out.cogvlm")] + options)
    #expect(outcome.status == 64 && outcome.output == "", "\(outcome.errors)")
    #expect(outcome.errors.contains(options[0]) && outcome.errors.contains(allowed), "\(outcome.errors)")
    #expect(try folder.contents() == [])
  }

  @Test(
    "A pattern that fits no tensor that can be quantized is refused",
    arguments: [
      (["--set", "no.such.*=int4"], "no.such.*"), (["--set", "model.norm.weight=int4"], "model.norm.weight"),
    ])
  func unfitting(_ options: [String], _ allowed: String) throws {
    try expectRefusal(
      ["quantize", Self.source, "-o", folder.path("out.cogvlm")] + options, naming: options[0],
      saying: allowed, in: folder)
  }

  @Test("Without --json the summary is text with the parts, the largest errors and the ratio")
  func text() throws {
    let outcome = try Command.run(["quantize", Self.source, "-o", folder.path("out.cogvlm")])
    #expect(outcome.status == 0)
    #expect(outcome.errors == "")
    for words in ["bits per weight", "largest errors", "worst group", "of their BF16 bytes", "out.cogvlm"] {
      #expect(outcome.output.contains(words))
    }
  }

  @Test(
    "A weight that is not a number stops the work, or is kept on demand", arguments: ["convert", "quantize"])
  func nonFinite(_ command: String) throws {
    let name = "model.layers.0.mlp.language_mlp.up_proj.weight"
    let source = folder.path("source")
    try Safetensors(folder: Fixtures.path("tiny/checkpoint")).changing(name) { bytes, _ in
      (bytes[100], bytes[101]) = (0xC0, 0x7F)
    }.write(toFolder: source, with: "tiny/checkpoint")
    let arguments = [command, source, "-o", folder.path("out.cogvlm")]
    try expectRefusal(arguments, naming: source, saying: name, in: folder)
    let kept = try Command.run(arguments + ["--keep-non-finite"])
    #expect(kept.status == 0, "\(kept.errors)")
    #expect(kept.errors.contains("warning: \(name)"))
  }

  @Test("An interrupt leaves with 130 and the unfinished work", arguments: [SIGINT, SIGTERM])
  func interruption(_ signal: Int32) throws {
    let source = folder.path("large")
    try LargeCheckpoint.write(to: source)
    let before = try folder.inventory()
    let out = folder.path("out.cogvlm")
    let outcome = try Command.run(["quantize", source, "-o", out]) { process in
      // Once the part is there, seconds of work are left.
      let deadline = Date(timeIntervalSinceNow: 60)
      while process.isRunning, Date() < deadline, try !folder.contents().contains("out.cogvlm.part") {
        usleep(2000)
      }
      let second = try Command.run(["quantize", source, "-o", out])
      #expect(second.status == 2 && second.errors.contains("\(out): another process is writing this"))
      kill(process.processIdentifier, signal)
    }
    #expect(outcome.status == 130, "\(outcome.errors)")
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.count == 2 && lines.first == "interrupted")
    #expect(lines.last?.hasSuffix("quantize \(source) -o \(out) --resume") == true, "\(lines)")
    #expect(outcome.output == "")
    let left = try folder.inventory()
    #expect(Set(left.keys).subtracting(before.keys) == ["out.cogvlm.part", "out.cogvlm.part.journal"])
  }
}

/// The sample model with far wider layers, so that converting it takes seconds.
enum LargeCheckpoint {
  static let width = 32_768

  static func write(to folder: String) throws {
    var checkpoint = try Safetensors(folder: Fixtures.path("sample/checkpoint"))
    // One block of plain numbers, repeated: BF16 between 0.5 and 2.
    let block = Data((0..<65_536).flatMap { [UInt8(truncatingIfNeeded: $0 &* 37), 0x3F] })
    for (index, tensor) in checkpoint.tensors.enumerated()
    where tensor.shape.contains(512) && !tensor.name.contains("query_key_value") {
      let shape = tensor.shape.map { $0 == 512 ? width : $0 }
      let bytes = Data(repeating: 0, count: shape.reduce(2, *))
      checkpoint.tensors[index] = Safetensors.Tensor(
        name: tensor.name, type: "BF16", shape: shape, bytes: filled(bytes, with: block))
    }
    try checkpoint.write(toFolder: folder, with: "sample/checkpoint")
    try rewrite("\(folder)/config.json") { text in
      var config = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
      config["intermediate_size"] = width
      return try JSONSerialization.data(withJSONObject: config)
    }
  }

  private static func filled(_ data: Data, with block: Data) -> Data {
    var copy = data
    for start in stride(from: 0, to: copy.count, by: block.count) {
      let end = min(start + block.count, copy.count)
      copy.replaceSubrange(start..<end, with: block.prefix(end - start))
    }
    return copy
  }
}
