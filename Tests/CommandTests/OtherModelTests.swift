import CogTestSupport
import Foundation
import Testing

/// Models that look alike are told apart and refused by name.
@Suite struct OtherModelTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func readers(_ source: String) -> [[String]] {
    [
      ["convert", source, "-o", folder.path("out.cogvlm")],
      ["quantize", source, "-o", folder.path("out.cogvlm")],
    ]
  }

  /// The tiny checkpoint with the expert tensors that image models have for vision tokens.
  private func withExperts() throws -> Safetensors {
    var checkpoint = try Safetensors(folder: Fixtures.path("tiny/checkpoint"))
    for name in [
      "self_attn.vision_expert_query_key_value.weight", "self_attn.vision_expert_dense.weight",
      "mlp.vision_mlp.gate_proj.weight",
    ] {
      checkpoint.append("model.layers.0.\(name)", type: "BF16", shape: [2], bytes: Data(count: 4))
    }
    return checkpoint
  }

  /// Changes the copied config.json.
  private func configure(_ source: String, _ change: (inout [String: Any]) -> Void) throws {
    try rewrite("\(source)/config.json") { text in
      var config = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
      change(&config)
      return try JSONSerialization.data(withJSONObject: config)
    }
  }

  @Test("CogVLM2-19B is named by its configuration")
  func secondByConfiguration() throws {
    let source = folder.path("image-model")
    try withExperts().write(toFolder: source, with: "tiny/checkpoint")
    try configure(source) { $0["architectures"] = ["CogVLMForCausalLM"] }
    for arguments in readers(source) + [["inspect", "--check", source]] {
      try expectRefusal(arguments, naming: source, saying: "cogvlm2-llama3-chat-19B", in: folder)
    }
  }

  @Test("CogVLM2-19B is named by its expert tensors, whatever its configuration says")
  func secondByTensors() throws {
    let source = folder.path("image-model")
    try withExperts().write(toFolder: source, with: "tiny/checkpoint")
    for arguments in readers(source) {
      try expectRefusal(arguments, naming: source, saying: "CogVLM2-19B (image model)", in: folder)
    }
    let outcome = try Command.run(["inspect", "--check", source])
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("this is CogVLM2-19B (image model)"))
  }

  @Test("CogVLM 1 is named by its configuration and by its tensors")
  func first() throws {
    let source = folder.path("image-model")
    let tensors = try withExperts().removing("model.vision.conv.weight").removing("model.vision.conv.bias")
    try tensors.write(toFolder: source, with: "tiny/checkpoint")
    for arguments in readers(source) {
      try expectRefusal(arguments, naming: source, saying: "CogVLM 1 (image model)", in: folder)
    }
    try configure(source) { config in
      config["architectures"] = ["CogVLMForCausalLM"]
      config["num_multi_query_heads"] = nil
      config["vocab_size"] = 32000
    }
    for arguments in readers(source) {
      try expectRefusal(arguments, naming: source, saying: "CogVLM 1, an image model", in: folder)
    }
  }

  @Test("Another architecture is named")
  func another() throws {
    let source = try folder.copy("tiny/checkpoint")
    try configure(source) { $0["architectures"] = ["LlavaForConditionalGeneration"] }
    for arguments in readers(source) {
      try expectRefusal(
        arguments, naming: "config.json", saying: "LlavaForConditionalGeneration", in: folder)
    }
  }

  @Test("A single file is named for what it is", arguments: Damage.mislabeled)
  func singleFile(_ damage: Damage) throws {
    let path = try folder.write(damage.applied(to: Data(count: 4096)), as: "model.safetensors")
    for arguments in readers(path) + [["inspect", path]] {
      try expectRefusal(arguments, naming: path, saying: damage.name, in: folder)
    }
  }
}
