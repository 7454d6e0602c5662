import CogBase
import CogModel
import CogNative
import CogQuantize
import Testing

@Suite("Recipes")
struct RecipeTests {
  private let table: TensorTable

  init() throws { table = try SyntheticModel().table }

  private func encoding(_ recipe: QuantizationRecipe, _ name: String, _ type: ElementType = .float16) throws
    -> String
  {
    recipe.encoding(of: try #require(table.specification(named: name)), sourceType: type).label
  }

  @Test("the default is int4 with int8 tables and BF16 for all that is no matrix")
  func defaults() throws {
    let recipe = try QuantizationRecipe(preset: "int4")
    for specification in table.specifications {
      let label = recipe.encoding(of: specification, sourceType: .float16).label
      switch specification.role {
      case .rotaryFrequencies: #expect(label == "F16")
      case .tokenEmbedding, .outputHead: #expect(label == "int8/64")
      default: #expect(label == (specification.role.isMatrix ? "int4/64" : "BF16"), "\(specification.name)")
      }
    }
    #expect(recipe.isQuantized)
    #expect(recipe.metadata.method != "none")
  }

  @Test("every preset has a name that is read, and another one is refused with the list")
  func presets() throws {
    for preset in QuantizationRecipe.presets { #expect(try QuantizationRecipe(preset: preset).isQuantized) }
    let error = #expect(throws: CogError.self) { try QuantizationRecipe(preset: "int3") }
    #expect(error?.expected == "int4, int4-small, int4-fine, int8")
  }

  @Test("rules are read as they are written, in any case")
  func parsing() throws {
    for text in [
      "source", "BF16", "F16", "F32", "int4/32", "int4/64", "int4/128", "int8/32", "int8/64", "int8/128",
    ] {
      #expect(try StorageRule(parsing: text, subject: "x").description == text)
      #expect(try StorageRule(parsing: text.uppercased(), subject: "x").description == text)
    }
    #expect(try StorageRule(parsing: "int4", subject: "x") == .encoding(.int4(groupSize: 64)))
    for text in [
      "", "int", "int4/", "int4/48", "int4/64/64", "bf16/64", "f64", "q4_0", "/64", "int4/-64", "int8/1e2",
    ] {
      let error = #expect(throws: CogError.self, "\(text)") {
        try StorageRule(parsing: text, subject: "--linear")
      }
      #expect(error?.subject == "--linear" && error?.expected == StorageRule.allowed)
    }
  }

  @Test("kinds have settings of their own, and what is no matrix cannot be quantized")
  func settings() throws {
    var recipe = try QuantizationRecipe(preset: "int4")
    try recipe.set(.vision, to: .encoding(.int8(groupSize: 32)))
    try recipe.set(.head, to: .source)
    try recipe.set(.other, to: .encoding(.plain(.float32)))
    #expect(try encoding(recipe, "model.vision.transformer.layers.1.mlp.fc1.weight") == "int8/32")
    #expect(try encoding(recipe, "model.vision.linear_proj.gate_proj.weight") == "int4/64")
    #expect(try encoding(recipe, "lm_head.weight") == "F16")
    #expect(try encoding(recipe, "model.vision.conv.weight") == "F32")
    #expect(try encoding(recipe, "model.layers.0.self_attn.rotary_emb.inv_freq") == "F16")
    #expect(throws: CogError.self) { try recipe.set(.other, to: .encoding(.int8(groupSize: 64))) }
    #expect(
      recipe.metadata.vision == "int8/32" && recipe.metadata.head == "source"
        && recipe.metadata.other == "F32")
  }

  @Test("the last override that fits counts, and one that quantizes is for matrices only")
  func overrides() throws {
    var recipe = try QuantizationRecipe(preset: "int4")
    recipe.overrides = try ["model.layers.0.*=int8/64", "*.mlp.*down_proj.weight=bf16", "*conv.*=f32"].map {
      try .init(parsing: $0)
    }
    try recipe.checkOverrides(against: table)
    let attention = "self_attn.language_expert_dense.weight"
    #expect(try encoding(recipe, "model.layers.0.\(attention)") == "int8/64")
    #expect(try encoding(recipe, "model.layers.1.\(attention)") == "int4/64")
    #expect(try encoding(recipe, "model.layers.0.mlp.language_mlp.down_proj.weight") == "BF16")
    #expect(try encoding(recipe, "model.layers.0.input_layernorm.weight") == "BF16")
    #expect(try encoding(recipe, "model.layers.0.self_attn.rotary_emb.inv_freq") == "F16")
    #expect(try encoding(recipe, "model.vision.conv.bias") == "F32")
    #expect(
      recipe.metadata.overrides.map(\.pattern) == ["model.layers.0.*", "*.mlp.*down_proj.weight", "*conv.*"])
    #expect(recipe.metadata.overrides.map(\.encoding) == ["int8/64", "BF16", "F32"])
  }

  @Test("an override that fits nothing is refused")
  func uselessOverrides() throws {
    for text in ["model.layer.0.*=int8", "model.norm.weight=int4", "*inv_freq=f32", "MODEL.*=bf16"] {
      var recipe = try QuantizationRecipe(preset: "int4")
      recipe.overrides = [try .init(parsing: text)]
      #expect(throws: CogError.self, "\(text)") { try recipe.checkOverrides(against: table) }
    }
    for text in ["int8", "=int8", "model.*", "model.*=", "model.*=int5"] {
      #expect(throws: CogError.self, "\(text)") { try QuantizationRecipe.Override(parsing: text) }
    }
  }

  @Test("a conversion keeps every type, or gives one to all but the rotary frequencies")
  func floats() throws {
    let kept = try QuantizationRecipe(floats: nil)
    let wide = try QuantizationRecipe(floats: .float32)
    #expect(!kept.isQuantized && !wide.isQuantized && wide.metadata.method == "none")
    for specification in table.specifications {
      #expect(kept.encoding(of: specification, sourceType: .float64) == .plain(.float64))
      let expected: ElementType = specification.role == .rotaryFrequencies ? .bfloat16 : .float32
      #expect(wide.encoding(of: specification, sourceType: .bfloat16) == .plain(expected))
    }
    #expect(throws: CogError.self) { try QuantizationRecipe(floats: .int8) }
  }

  @Test("the published model in the default recipe takes at most 7.4 GB")
  func publishedSize() throws {
    let config = """
      {
        "architectures": ["CogVLMVideoForCausalLM"], "hidden_act": "silu", "hidden_size": 4096,
        "intermediate_size": 14336, "max_position_embeddings": 2048, "num_attention_heads": 32,
        "num_hidden_layers": 32, "num_multi_query_heads": 8, "rms_norm_eps": 1e-05, "vocab_size": 128256,
        "vision_config": {
          "hidden_act": "gelu", "hidden_size": 1792, "image_size": 224, "in_channels": 3,
          "intermediate_size": 15360, "layer_norm_eps": 1e-06, "num_heads": 16, "num_hidden_layers": 63,
          "num_positions": 257, "patch_size": 14
        }
      }
      """
    let published = TensorTable(
      try Array(config.utf8).withUnsafeBytes { try ModelConfiguration(json: $0, file: "published") })
    #expect(published.specifications.count == 1029)
    func size(_ preset: String) throws -> Int {
      let recipe = try QuantizationRecipe(preset: preset)
      return try published.specifications.reduce(0) { sum, specification in
        let encoding = recipe.encoding(of: specification, sourceType: .bfloat16)
        return sum + (try encoding.byteCount(of: specification.shape) + 4095) / 4096 * 4096
      }
    }
    let bytes = try size("int4")
    // 12 MB are left for the tokenizer, the metadata and the directory.
    #expect(bytes <= 7_400_000_000 - 12_000_000, "\(bytes)")
    #expect(try size("int4-small") < bytes)
  }
}
