import CogBase
package import CogModel

/// Shapes of a model to measure without a file of weights. `full`, `medium` and `tiny` are those of
/// `Tools/make_checkpoint`.
package enum ModelPreset: String, Sendable, CaseIterable {
  /// The published CogVLM2-Video-Llama3: 12.5 billion parameters.
  case full
  /// The language model alone, Llama-3-8B; a vision tower of a few thousand weights keeps the file complete.
  case language
  /// About a sixteenth of `full`, with its vocabulary and the widths of its heads.
  case medium
  /// Two layers each, for tests.
  case tiny

  /// The model's sizes.
  ///
  /// - Parameter layers: layers of the language model; nil takes the preset's.
  /// - Throws: `CogError` when the sizes do not fit together.
  package func configuration(layers: Int? = nil) throws -> ModelConfiguration {
    let text = configurationText(layers: layers)
    return try Array(text.utf8).withUnsafeBytes { try ModelConfiguration(json: $0, file: name) }
  }

  /// How reports name the model.
  package var name: String { "synthetic \(rawValue)" }

  /// The text of a `config.json`.
  func configurationText(layers: Int? = nil) -> String {
    let (language, vision) = sizes
    return """
      {
        "architectures": ["CogVLMVideoForCausalLM"],
        "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2,
        "hidden_act": "silu", "hidden_size": \(language.hidden),
        "intermediate_size": \(language.intermediate),
        "max_position_embeddings": 2048, "num_attention_heads": \(language.heads),
        "num_hidden_layers": \(layers ?? language.layers), "num_multi_query_heads": \(language.keyValueHeads),
        "rms_norm_eps": 1e-05, "template_version": "chat", "tie_word_embeddings": false,
        "vocab_size": \(language.vocabulary),
        "vision_config": {
          "hidden_act": "gelu", "hidden_size": \(vision.hidden), "image_size": \(vision.grid * 14),
          "in_channels": 3, "intermediate_size": \(vision.intermediate), "layer_norm_eps": 1e-06,
          "num_heads": \(vision.heads), "num_hidden_layers": \(vision.layers),
          "num_positions": \(vision.grid * vision.grid + 1), "patch_size": 14
        }
      }
      """
  }

  private struct LanguageSizes {
    var hidden, intermediate, layers, heads, keyValueHeads, vocabulary: Int
  }

  private struct VisionSizes {
    var hidden, intermediate, layers, heads, grid: Int
  }

  private static let llama3 = LanguageSizes(
    hidden: 4096, intermediate: 14336, layers: 32, heads: 32, keyValueHeads: 8, vocabulary: 128_256)

  private var sizes: (LanguageSizes, VisionSizes) {
    switch self {
    case .full: (Self.llama3, VisionSizes(hidden: 1792, intermediate: 15360, layers: 63, heads: 16, grid: 16))
    case .language: (Self.llama3, VisionSizes(hidden: 16, intermediate: 16, layers: 1, heads: 1, grid: 2))
    case .medium:
      (
        LanguageSizes(
          hidden: 1024, intermediate: 3584, layers: 16, heads: 8, keyValueHeads: 2, vocabulary: 128_256),
        VisionSizes(hidden: 896, intermediate: 3840, layers: 30, heads: 8, grid: 16)
      )
    case .tiny:
      (
        LanguageSizes(
          hidden: 128, intermediate: 320, layers: 2, heads: 8, keyValueHeads: 2, vocabulary: 2048),
        VisionSizes(hidden: 96, intermediate: 160, layers: 2, heads: 6, grid: 16)
      )
    }
  }
}
