import CogBase

/// The sizes and constants of a model, read from its `config.json`.
///
/// Source: `configuration_cogvlm.CogVLMConfig` of CogVLM2-Video-Llama3.
package struct ModelConfiguration: Equatable, Sendable, Codable {
  /// Width of the language model's residual stream (4096).
  package var hiddenSize: Int
  /// Width of the language model's gated MLP (14336).
  package var intermediateSize: Int
  /// Layers of the language model (32).
  package var layerCount: Int
  /// Query heads (32).
  package var headCount: Int
  /// Key and value heads, each shared by `headCount / keyValueHeadCount` query heads (8).
  package var keyValueHeadCount: Int
  /// Tokens of the vocabulary (128256).
  package var vocabularySize: Int
  /// Most tokens that prompt and answer may have together (2048).
  package var contextLength: Int
  /// Epsilon of RMSNorm (1e-5).
  package var rmsNormEpsilon: Float
  /// The prompt template that the model was trained with.
  package var template: PromptTemplate
  /// Id of `<|begin_of_text|>`.
  package var beginOfTextID: Int
  /// Ids that end an answer, each once: those of `config.json`, then those that only
  /// `generation_config.json` has.
  package var endOfTextIDs: [Int]
  /// Id that stands in the prompt where image features go.
  package var padID: Int
  /// The vision tower.
  package var vision: VisionConfiguration

  /// Width of one attention head (128).
  package var headDimension: Int { hiddenSize / headCount }
  /// Rows of the fused query, key and value weight (6144).
  package var queryKeyValueRows: Int { hiddenSize + 2 * keyValueHeadCount * headDimension }
}

/// The sizes and constants of the vision tower (EVA2-CLIP-E).
package struct VisionConfiguration: Equatable, Sendable, Codable {
  /// Width of the residual stream (1792).
  package var hiddenSize: Int
  /// Width of the MLP (15360).
  package var intermediateSize: Int
  /// Transformer layers (63).
  package var layerCount: Int
  /// Attention heads (16).
  package var headCount: Int
  /// Pixels along each side of the prepared image (224).
  package var imageSize: Int
  /// Pixels along each side of a patch (14).
  package var patchSize: Int
  /// Color channels (3).
  package var channelCount: Int
  /// Tokens of a frame inside the tower: the patches and CLS (257).
  package var positionCount: Int
  /// Epsilon of the tower's LayerNorms (1e-6).
  package var layerNormEpsilon: Float

  /// Width of one attention head (112).
  package var headDimension: Int { hiddenSize / headCount }
  /// Patches along each side of the image (16).
  package var gridSize: Int { imageSize / patchSize }
  /// Patches along each side of a window of the convolution behind the tower.
  static let windowSize = 2
  /// Positions along each side after that 2x2 convolution (8).
  package var pooledGridSize: Int { gridSize / Self.windowSize }
  /// Vectors of a frame that reach the adapter (64).
  package var pooledCount: Int { pooledGridSize * pooledGridSize }
  /// Vectors of a frame in the prompt: begin of image, the pooled ones, end of image (66).
  package var tokensPerFrame: Int { pooledCount + 2 }
}
