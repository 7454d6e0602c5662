/// A `config.json` of the true architecture in small. ``overrides`` make other sizes, or wrong fields.
public struct SmallConfiguration: Sendable {
  /// Layers of the language model.
  public var layers = 1
  /// Layers of the vision tower.
  public var visionLayers = 1
  /// Fields of the language model that replace those below, as JSON text; nil removes the field.
  public var overrides: [String: String?] = [:]
  /// The same of `vision_config`.
  public var visionOverrides: [String: String?] = [:]

  /// The smallest configuration.
  public init(layers: Int = 1, visionLayers: Int = 1) {
    self.layers = layers
    self.visionLayers = visionLayers
  }

  /// The file's text: keys in alphabetical order, each on a line.
  public var json: String {
    var vision: [String: String] = [
      "hidden_act": #""gelu""#, "hidden_size": "8", "intermediate_size": "12",
      "num_hidden_layers": "\(visionLayers)", "num_heads": "2", "image_size": "28", "patch_size": "14",
      "in_channels": "3", "num_positions": "5", "layer_norm_eps": "1e-6",
    ]
    for (name, value) in visionOverrides { vision[name] = value }
    var language: [String: String] = [
      "architectures": #"["CogVLMVideoForCausalLM"]"#, "hidden_act": #""silu""#, "hidden_size": "16",
      "intermediate_size": "24", "num_hidden_layers": "\(layers)", "num_attention_heads": "4",
      "num_multi_query_heads": "2", "vocab_size": "40", "max_position_embeddings": "64",
      "rms_norm_eps": "1e-5", "bos_token_id": "1", "eos_token_id": "2", "pad_token_id": "3",
      "vision_config": Self.object(vision),
    ]
    for (name, value) in overrides { language[name] = value }
    return Self.object(language)
  }

  private static func object(_ fields: [String: String]) -> String {
    let members = fields.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }
    return "{\n" + members.joined(separator: ",\n") + "\n}"
  }
}
