import CogBase
import CogModel
import CogTestSupport
import Foundation
import Testing

@Suite struct ModelConfigurationTests {
  private func read(_ text: String) throws -> ModelConfiguration {
    try Array(text.utf8).withUnsafeBytes { try ModelConfiguration(json: $0, file: "config.json") }
  }

  private func read(_ overrides: [String: String?], vision: [String: String?] = [:]) throws
    -> ModelConfiguration
  {
    var configuration = SmallConfiguration()
    configuration.overrides = overrides
    configuration.visionOverrides = vision
    return try read(configuration.json)
  }

  @Test("The sizes of the published model follow from its configuration")
  func published() throws {
    let path = Fixtures.path("published/published-config.json")
    let read = try MappedFile.withBytes(ofFile: path) { try ModelConfiguration(json: $0, file: path) }
    #expect(read.headDimension == 128 && read.queryKeyValueRows == 6144 && read.contextLength == 2048)
    #expect(read.beginOfTextID == 128000 && read.endOfTextIDs == [128001] && read.padID == 128002)
    #expect(read.vision.headDimension == 112 && read.vision.gridSize == 16 && read.vision.pooledCount == 64)
    #expect(read.vision.tokensPerFrame == 66 && read.vision.layerNormEpsilon == 1e-6)
    let copy = try JSONDecoder().decode(ModelConfiguration.self, from: JSONEncoder().encode(read))
    #expect(copy == read)
  }

  @Test("What may be absent has the published model's value, and null counts as absent")
  func defaults() throws {
    let large = ["vocab_size": "128256", "bos_token_id": nil, "eos_token_id": nil, "pad_token_id": nil]
    let read = try read(large)
    #expect(read.beginOfTextID == 128000 && read.endOfTextIDs == [128001] && read.padID == 128002)
    #expect(try self.read(["eos_token_id": "null", "vocab_size": "128256"]).endOfTextIDs == [128001])
    #expect(try self.read([:]).template == self.read(["template_version": #""chat""#]).template)
    #expect(try self.read(["template_version": #""base""#]).template != self.read([:]).template)
  }

  private func ids(_ config: String?, generation: String) throws -> [Int] {
    var read = try read(["eos_token_id": config])
    try Array(generation.utf8).withUnsafeBytes {
      try read.addEndOfText(generationJSON: $0, file: "generation_config.json")
    }
    return read.endOfTextIDs
  }

  @Test("Every id of eos_token_id ends an answer, those of generation_config.json too (report 7)")
  func endOfText() throws {
    #expect(try read(["eos_token_id": "[7, 8]"]).endOfTextIDs == [7, 8])
    #expect(try read(["eos_token_id": "[8, 7, 8]"]).endOfTextIDs == [8, 7])
    #expect(try ids("[8, 7]", generation: #"{"eos_token_id": [9, 7]}"#) == [8, 7, 9])
    #expect(try ids("7", generation: #"{"eos_token_id": 9}"#) == [7, 9])
    for nothing in ["{}", #"{"eos_token_id": null}"#, #"{"eos_token_id": 7, "do_sample": true}"#] {
      #expect(try ids("7", generation: nothing) == [7])
    }
    let error = #expect(throws: CogError.self) {
      _ = try ids("7", generation: #"{"eos_token_id": [9, 40]}"#)
    }
    #expect(error?.subject == "eos_token_id" && error?.file == "generation_config.json")
    for wrong in ["[]", "[7, -1]", "[7, \"8\"]", "[[7]]", "1.5", "{}", "true"] {
      let error = #expect(throws: CogError.self, "\(wrong)") { _ = try read(["eos_token_id": wrong]) }
      #expect(error?.subject == "eos_token_id", "\(wrong)")
      #expect(throws: CogError.self, "\(wrong)") {
        _ = try ids("7", generation: "{\"eos_token_id\": \(wrong)}")
      }
    }
    for wrong in ["", "[]", "{", "<html>"] {
      #expect(throws: CogError.self, "\(wrong)") { _ = try ids("7", generation: wrong) }
    }
  }

  @Test(
    "A field that is missing, of another type or out of range is named",
    arguments: [
      "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_multi_query_heads",
      "vocab_size", "max_position_embeddings", "rms_norm_eps", "vision_config", "hidden_act",
    ])
  func wrongFields(_ field: String) {
    for value in [nil, "null", "\"4\"", "true", "[4]", "-4", "0", "1e400", "99999999999999999999"]
      as [String?]
    {
      let error = #expect(throws: CogError.self, "\(value ?? "absent")") { _ = try read([field: value]) }
      #expect(error?.subject == field && error?.file == "config.json", "\(value ?? "absent")")
    }
  }

  @Test(
    "So is one of the vision tower",
    arguments: [
      "hidden_size", "intermediate_size", "num_hidden_layers", "num_heads", "image_size", "patch_size",
      "in_channels", "num_positions", "layer_norm_eps", "hidden_act",
    ])
  func wrongVisionFields(_ field: String) {
    for value in [nil, "null", "\"4\"", "true", "[4]", "-4", "0", "1e400", "99999999999999999999"]
      as [String?]
    {
      let error = #expect(throws: CogError.self, "\(value ?? "absent")") {
        _ = try read([:], vision: [field: value])
      }
      #expect(error?.subject == "vision_config.\(field)", "\(value ?? "absent")")
    }
  }

  @Test(
    "Sizes that do not fit together are refused with the field that does not fit",
    arguments: [
      ("hidden_size", "18"), ("hidden_size", "12"), ("num_multi_query_heads", "3"), ("bos_token_id", "40"),
      ("eos_token_id", "40"), ("pad_token_id", "[40]"), ("template_version", #""caption""#),
      ("tie_word_embeddings", "true"), ("tie_word_embeddings", "1"), ("eos_token_id", "-1"),
    ])
  func misfits(_ field: String, _ value: String) {
    let error = #expect(throws: CogError.self) { _ = try read([field: value]) }
    #expect(error?.subject == field)
  }

  @Test(
    "So are those of the vision tower",
    arguments: [
      ("hidden_size", "9"), ("image_size", "30"), ("image_size", "42"), ("num_positions", "4"),
      ("in_channels", "1"),
    ])
  func visionMisfits(_ field: String, _ value: String) {
    let error = #expect(throws: CogError.self) { _ = try read([:], vision: [field: value]) }
    #expect(error?.subject == "vision_config.\(field)")
  }

  @Test("Other models are refused by name")
  func otherModels() throws {
    let cases = [
      (#"["CogVLMForCausalLM"]"#, "an image model of CogVLM2"),
      (#"["LlamaForCausalLM"]"#, "LlamaForCausalLM"),
    ]
    for (architectures, name) in cases {
      let error = #expect(throws: CogError.self) { _ = try read(["architectures": architectures]) }
      #expect(error?.found?.contains(name) == true)
    }
    let first = #expect(throws: CogError.self) {
      _ = try read(["architectures": #"["CogVLMForCausalLM"]"#, "num_multi_query_heads": nil])
    }
    #expect(first?.found?.contains("CogVLM 1") == true)
    // Without a name, the fields that only this model has decide.
    _ = try read(["architectures": nil])
    #expect(throws: CogError.self) { _ = try read(["architectures": nil, "num_multi_query_heads": nil]) }
  }

  @Test("What is no JSON object is refused", arguments: ["", "[]", "1", "{", "{\"a\":1,\"a\":2}"])
  func notObjects(_ text: String) {
    let error = #expect(throws: CogError.self) { _ = try read(text) }
    #expect(error?.file == "config.json")
  }
}
