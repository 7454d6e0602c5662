import CogBase

/// What a tensor does, apart from which layer it is in.
package enum TensorRole: String, Sendable, CaseIterable, Codable {
  // Language model.
  case tokenEmbedding, outputHead, finalNorm
  case inputNorm, postAttentionNorm, queryKeyValue, attentionOutput, rotaryFrequencies
  case mlpGate, mlpUp, mlpDown
  // Vision tower.
  case patchProjection, patchProjectionBias, classEmbedding, positionEmbedding
  case visionQueryKeyValue, visionQueryKeyValueBias, visionAttentionOutput, visionAttentionOutputBias
  case visionMLPIn, visionMLPInBias, visionMLPOut, visionMLPOutBias
  case visionAttentionNorm, visionAttentionNormBias, visionMLPNorm, visionMLPNormBias
  // Between the two.
  case convolution, convolutionBias
  case adapterProjection, adapterNorm, adapterNormBias, adapterGate, adapterUp, adapterDown
  case beginOfImage, endOfImage

  /// Whether the tensor is the weight matrix of a linear layer (or the embedding table): what quantization is
  /// for.
  package var isMatrix: Bool {
    switch self {
    case .tokenEmbedding, .outputHead, .queryKeyValue, .attentionOutput, .mlpGate, .mlpUp, .mlpDown,
      .visionQueryKeyValue, .visionAttentionOutput, .visionMLPIn, .visionMLPOut,
      .adapterProjection, .adapterGate, .adapterUp, .adapterDown:
      true
    default: false
    }
  }

  /// The matrix under whose name the input of a linear layer is known: of matrices that share their input,
  /// the first one.
  package var inputRole: TensorRole {
    switch self {
    case .mlpUp: .mlpGate
    case .adapterUp: .adapterGate
    default: self
    }
  }
}

extension TensorTable {
  /// A tensor of the model, or of each of its layers.
  struct Row: Sendable {
    /// What stands in ``pattern`` for the number of the layer.
    static let layerSign = "*"

    let part: ModelPart
    let role: TensorRole
    /// The name in the published checkpoint.
    let pattern: String
    let shape: @Sendable (ModelConfiguration) -> Shape

    /// The name, in a layer or outside of layers.
    func name(layer: Int?) -> String {
      layer.map { pattern.replacing(Self.layerSign, with: String($0)) } ?? pattern
    }
  }

  /// Rows that come once, or once in every layer.
  struct Block: Sendable {
    enum Repetition: Sendable {
      case once, languageLayers, visionLayers

      /// The numbers of the layers; nil for the place outside of layers.
      func layers(_ configuration: ModelConfiguration) -> [Int?] {
        switch self {
        case .once: [nil]
        case .languageLayers: (0..<configuration.layerCount).map { $0 }
        case .visionLayers: (0..<configuration.vision.layerCount).map { $0 }
        }
      }
    }

    let repetition: Repetition
    let rows: [Row]

    /// Rows of one part whose names begin alike.
    init(
      _ part: ModelPart, in repetition: Repetition = .once, under prefix: String = "",
      _ rows: [(TensorRole, String, @Sendable (ModelConfiguration) -> Shape)]
    ) {
      self.repetition = repetition
      self.rows = rows.map { role, suffix, shape in
        Row(part: part, role: role, pattern: prefix + suffix, shape: shape)
      }
    }
  }

  /// The whole table, in its order.
  static let blocks = [
    Block(
      .embedding, [(.tokenEmbedding, "model.embed_tokens.weight", { [$0.vocabularySize, $0.hiddenSize] })]),
    languageLayers,
    Block(.language, [(.finalNorm, "model.norm.weight", { [$0.hiddenSize] })]),
    Block(.head, [(.outputHead, "lm_head.weight", { [$0.vocabularySize, $0.hiddenSize] })]),
    patchEmbedding, visionLayers, convolution, adapter,
  ]

  private static let languageLayers = Block(
    .language, in: .languageLayers, under: "model.layers.*.",
    [
      (.rotaryFrequencies, "self_attn.rotary_emb.inv_freq", { [$0.headDimension / 2] }),
      (
        .queryKeyValue, "self_attn.language_expert_query_key_value.weight",
        { [$0.queryKeyValueRows, $0.hiddenSize] }
      ),
      (.attentionOutput, "self_attn.language_expert_dense.weight", { [$0.hiddenSize, $0.hiddenSize] }),
      (.mlpGate, "mlp.language_mlp.gate_proj.weight", { [$0.intermediateSize, $0.hiddenSize] }),
      (.mlpUp, "mlp.language_mlp.up_proj.weight", { [$0.intermediateSize, $0.hiddenSize] }),
      (.mlpDown, "mlp.language_mlp.down_proj.weight", { [$0.hiddenSize, $0.intermediateSize] }),
      (.inputNorm, "input_layernorm.weight", { [$0.hiddenSize] }),
      (.postAttentionNorm, "post_attention_layernorm.weight", { [$0.hiddenSize] }),
    ])

  private static let patchEmbedding = Block(
    .vision, under: "model.vision.patch_embedding.",
    [
      (.classEmbedding, "cls_embedding", { [1, $0.vision.hiddenSize] }),
      (
        .patchProjection, "proj.weight",
        { [$0.vision.hiddenSize, $0.vision.channelCount, $0.vision.patchSize, $0.vision.patchSize] }
      ),
      (.patchProjectionBias, "proj.bias", { [$0.vision.hiddenSize] }),
      (.positionEmbedding, "position_embedding.weight", { [$0.vision.positionCount, $0.vision.hiddenSize] }),
    ])

  private static let visionLayers = Block(
    .vision, in: .visionLayers, under: "model.vision.transformer.layers.*.",
    [
      (
        .visionQueryKeyValue, "attention.query_key_value.weight",
        { [3 * $0.vision.hiddenSize, $0.vision.hiddenSize] }
      ),
      (.visionQueryKeyValueBias, "attention.query_key_value.bias", { [3 * $0.vision.hiddenSize] }),
      (.visionAttentionOutput, "attention.dense.weight", { [$0.vision.hiddenSize, $0.vision.hiddenSize] }),
      (.visionAttentionOutputBias, "attention.dense.bias", { [$0.vision.hiddenSize] }),
      (.visionMLPIn, "mlp.fc1.weight", { [$0.vision.intermediateSize, $0.vision.hiddenSize] }),
      (.visionMLPInBias, "mlp.fc1.bias", { [$0.vision.intermediateSize] }),
      (.visionMLPOut, "mlp.fc2.weight", { [$0.vision.hiddenSize, $0.vision.intermediateSize] }),
      (.visionMLPOutBias, "mlp.fc2.bias", { [$0.vision.hiddenSize] }),
      (.visionAttentionNorm, "input_layernorm.weight", { [$0.vision.hiddenSize] }),
      (.visionAttentionNormBias, "input_layernorm.bias", { [$0.vision.hiddenSize] }),
      (.visionMLPNorm, "post_attention_layernorm.weight", { [$0.vision.hiddenSize] }),
      (.visionMLPNormBias, "post_attention_layernorm.bias", { [$0.vision.hiddenSize] }),
    ])

  private static let convolution = Block(
    .convolution, under: "model.vision.",
    [
      (
        .convolution, "conv.weight",
        {
          let window = VisionConfiguration.windowSize
          return [$0.vision.hiddenSize, $0.vision.hiddenSize, window, window]
        }
      ),
      (.convolutionBias, "conv.bias", { [$0.vision.hiddenSize] }),
    ])

  private static let adapter = Block(
    .adapter, under: "model.vision.",
    [
      (.adapterProjection, "linear_proj.linear_proj.weight", { [$0.hiddenSize, $0.vision.hiddenSize] }),
      (.adapterNorm, "linear_proj.norm1.weight", { [$0.hiddenSize] }),
      (.adapterNormBias, "linear_proj.norm1.bias", { [$0.hiddenSize] }),
      (.adapterGate, "linear_proj.gate_proj.weight", { [$0.intermediateSize, $0.hiddenSize] }),
      (.adapterUp, "linear_proj.dense_h_to_4h.weight", { [$0.intermediateSize, $0.hiddenSize] }),
      (.adapterDown, "linear_proj.dense_4h_to_h.weight", { [$0.hiddenSize, $0.intermediateSize] }),
      (.beginOfImage, "boi", { [1, 1, $0.hiddenSize] }),
      (.endOfImage, "eoi", { [1, 1, $0.hiddenSize] }),
    ])
}
