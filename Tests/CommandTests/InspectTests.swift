import CogTestSupport
import Foundation
import Testing

/// `cogvlm inspect`: tensors with their roles, filters, metadata, reference bundles, and values that are no
/// numbers.
@Suite struct InspectTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let checkpoint = Fixtures.path("sample/checkpoint")

  private func document(_ arguments: [String]) throws -> [String: Any] {
    let outcome = try Command.run(["inspect", "--json"] + arguments)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try outcome.json()
  }

  private func tensors(_ arguments: [String]) throws -> [[String: Any]] {
    try #require(document(arguments)["tensors"] as? [[String: Any]])
  }

  private func names(_ arguments: [String]) throws -> [String] {
    try tensors(arguments).compactMap { $0["name"] as? String }
  }

  @Test(
    "Every tensor has its role, type, shape, bytes, file and offset, in checkpoints and native files alike")
  func table() throws {
    for source in [Self.checkpoint, Fixtures.path("tiny/checkpoint-bin"), try SampleModel.int4.get()] {
      let tensors = try tensors([source])
      #expect(tensors.count > 70)
      for tensor in tensors {
        for key in ["role", "type", "shape", "byteCount", "file", "offset", "part"] {
          #expect(tensor[key] != nil, "\(source) \(tensor["name"] ?? "") \(key)")
        }
      }
      let text = try Command.run(["inspect", "--tensors", source]).output
      let row = try #require(
        text.split(separator: "\n").first { $0.contains("model.layers.0.mlp.language_mlp.gate_proj.weight") })
      #expect(row.contains("mlpGate"))
    }
    let int4 = try #require(
      tensors([SampleModel.int4.get()]).first { $0["role"] as? String == "queryKeyValue" })
    #expect(int4["type"] as? String == "int4/64")
  }

  @Test("Filters by name, part and layers leave the tensors that fit all of them, with their sums")
  func filters() throws {
    let model = try SampleModel.float.get()
    for source in [Self.checkpoint, model] {
      let all = try names([source])
      #expect(try names([source, "--name", "*"]) == all)
      #expect(try names([source, "--name", "model.norm.*"]) == ["model.norm.weight"])
      #expect(
        try names([source, "--name", "*boi", "--name", "*eoi"]).sorted() == [
          "model.vision.boi", "model.vision.eoi",
        ])
      #expect(try names([source, "--part", "head"]) == ["lm_head.weight"])
      let layers = try names([source, "--part", "language", "--layers", "1-2"])
      #expect(layers.count == 16)
      #expect(layers.allSatisfy { $0.hasPrefix("model.layers.1.") || $0.hasPrefix("model.layers.2.") })
      #expect(
        try names([source, "--layers", "3"]) == all.filter { $0.contains("layers.3.") },
        "of both stacks")
    }
    let selection = try document([model, "--part", "head"])
    let total = try #require(selection["total"] as? [String: Any])
    #expect(total["parameterCount"] as? Int == 4096 * 256 && total["tensorCount"] as? Int == 1)
    #expect((selection["notes"] as? [String])?.last == "1 of 97 tensors fit --part head")
    // What is filtered is listed without being asked for.
    #expect(try Command.run(["inspect", model, "--part", "head"]).output.contains("lm_head.weight"))
  }

  @Test("A filter that no tensor fits is an error that names the filter")
  func nothingFits() throws {
    try expectRefusal(
      ["inspect", Self.checkpoint, "--name", "model.noise"], naming: Self.checkpoint,
      saying: "--name model.noise", in: folder)
    let outcome = try Command.run(["inspect", Self.checkpoint, "--layers", "2-1"])
    #expect(outcome.status == 64 && outcome.errors.contains("--layers"))
  }

  @Test("--metadata shows everything in full: the configuration, the recipe and the source files")
  func metadata() throws {
    let model = try SampleModel.int4.get()
    let brief = try Command.run(["inspect", model]).output
    let full = try Command.run(["inspect", model, "--metadata"]).output
    for line in [
      "  config.hidden_size: 256", "  config.vision_config.num_hidden_layers: 4", "  recipe.linear: int4/64",
    ] {
      #expect(full.contains(line + "\n") && !brief.contains(line))
    }
    #expect(brief.contains("source tokenizer.json: ") && brief.contains("method: "))
    // A checkpoint has the same configuration.
    func configuration(_ source: String) throws -> [String: String] {
      let metadata = try #require(document([source])["metadata"] as? [String: String])
      return metadata.filter { $0.key.hasPrefix("config.") }
    }
    #expect(try configuration(model) == configuration(Self.checkpoint))
    #expect(try configuration(model).count > 10)
  }

  @Test("A reference bundle is shown as one: taps by part, inputs, metadata")
  func bundle() throws {
    let path = Fixtures.path("sample/references/v22_h264-direction.bf16.safetensors")
    let inspection = try document(["--check", path])
    #expect((inspection["notes"] as? [String]) == ["a reference bundle: what PyTorch computed in bfloat16"])
    let tensors = try #require(inspection["tensors"] as? [[String: Any]])
    let parts = Dictionary(
      uniqueKeysWithValues: tensors.map { ($0["name"] as? String ?? "", $0["part"] as? String ?? "") })
    #expect(parts["input_ids"] == "inputs" && parts["model.vision.transformer.layers.3"] == "vision")
    #expect(parts["model.vision.conv"] == "convolution" && parts["model.vision"] == "adapter")
    #expect(parts["model.layers.0"] == "language" && parts["model.norm"] == "language")
    #expect(parts["lm_head"] == "head")
    #expect(
      tensors.allSatisfy { $0["role"] as? String == ($0["part"] as? String == "inputs" ? "input" : "tap") })
    #expect((inspection["metadata"] as? [String: String])?["template_version"] == "chat")
    #expect(inspection["nonFinite"] as? [[String: Any]] != nil && inspection["completeness"] == nil)
    #expect(try names([path, "--layers", "2"]) == ["model.layers.2", "model.vision.transformer.layers.2"])
    let frames = try document([Fixtures.path("sample/references/v22_h264-direction.frames.safetensors")])
    #expect((frames["notes"] as? [String]) == ["the decoded frames of a reference bundle"])
  }

  @Test("--check counts the values that are NaN or infinite, names their tensors and leaves with 1")
  func nonFinite() throws {
    let source = folder.path("damaged")
    let checkpoint = try Safetensors(folder: Fixtures.path("tiny/checkpoint"))
      .changing("model.layers.1.input_layernorm.weight") { bytes, _ in
        // BF16: two NaN and a negative infinity.
        bytes.replaceSubrange(
          bytes.startIndex..<bytes.startIndex + 6, with: [0xC0, 0x7F, 0xC0, 0xFF, 0x80, 0xFF])
      }
    try checkpoint.write(toFolder: source, with: "tiny/checkpoint")
    let outcome = try Command.run(["inspect", "--check", source])
    #expect(outcome.status == 1 && outcome.errors == "")
    #expect(outcome.output.contains("  model.layers.1.input_layernorm.weight: 2 NaN, 1 infinite\n"))
    #expect(outcome.output.contains("tensors of the model are there"))
    let list =
      try Command.run(["inspect", "--check", "--json", source]).json()["nonFinite"] as? [[String: Any]]
    #expect(list?.count == 1 && list?.first?["nan"] as? Int == 2 && list?.first?["infinite"] as? Int == 1)
    // Without --check nothing is read, and nothing is claimed.
    let plain = try Command.run(["inspect", "--json", source])
    #expect(try plain.status == 0 && plain.json()["nonFinite"] == nil)
    let good = try Command.run(["inspect", "--check", Self.checkpoint])
    #expect(good.status == 0 && good.output.contains("  all values that were looked at are finite\n"))
    #expect(!good.output.contains("are not looked at"))
  }

  @Test("What --check cannot look at is named")
  func notLookedAt() throws {
    let name = "model.layers.0.input_layernorm.weight"
    var checkpoint = try Safetensors(folder: Fixtures.path("tiny/checkpoint"))
    let index = try #require(checkpoint.tensors.firstIndex { $0.name == name })
    let (shape, bytes) = (checkpoint.tensors[index].shape, checkpoint.tensors[index].bytes)
    checkpoint.tensors[index] = Safetensors.Tensor(
      name: name, type: "F8_E4M3", shape: shape, bytes: bytes.prefix(shape[0]))
    let source = folder.path("eight-bits")
    try checkpoint.write(toFolder: source, with: "tiny/checkpoint")
    let outcome = try Command.run(["inspect", "--check", source])
    #expect(outcome.status == 1 && outcome.errors == "")
    #expect(outcome.output.contains("note: \(name): values of type F8_E4M3 are not looked at\n"))
  }

  @Test(
    "Listings compare well: a changed shape changes its tensor's line and the sums, and no path is repeated")
  func comparable() throws {
    func lines(_ source: String) throws -> [Substring] {
      try Command.run(["inspect", "--tensors", source]).output.split(separator: "\n")
    }
    let copy = try folder.copy("sample/checkpoint", as: "other")
    let (a, b) = try (lines(Self.checkpoint), lines(copy))
    // The path is the first line and stands nowhere else.
    #expect(a.dropFirst() == b.dropFirst() && a.first != b.first)
  }
}
