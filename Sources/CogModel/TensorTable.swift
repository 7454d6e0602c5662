package import CogBase

/// The part of the model that a tensor belongs to.
package enum ModelPart: String, Sendable, CaseIterable, Codable {
  case embedding, language, head, vision, convolution, adapter
}

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
}

/// One tensor that the model must have.
package struct TensorSpecification: Equatable, Sendable {
  /// The full name, as in the published checkpoint.
  package let name: String
  /// The shape that the configuration asks for.
  package let shape: Shape
  /// The part of the model.
  package let part: ModelPart
  /// What it does.
  package let role: TensorRole
  /// The layer within the language model or the vision tower, or nil.
  package let layer: Int?
}

/// The one table of all tensors of the model: 1,029 at the published sizes.
///
/// Everything that needs a tensor's name asks here; no other place spells one.
/// Source: the published checkpoint's index, `modeling_cogvlm.py` and `visual.py`.
package struct TensorTable: Sendable {
  /// All tensors: the embedding, the language layers, norm and head, then the vision tower and the adapter.
  package let specifications: [TensorSpecification]
  private let indexByKey: [Key: Int]
  private let indexByName: [String: Int]

  private struct Key: Hashable {
    let role: TensorRole
    let layer: Int?
  }

  /// The table for a configuration.
  package init(_ configuration: ModelConfiguration) {
    specifications =
      Self.language(configuration) + Self.vision(configuration.vision) + Self.adapter(configuration)
    indexByKey = Dictionary(
      uniqueKeysWithValues: specifications.enumerated().map { (Key(role: $1.role, layer: $1.layer), $0) })
    indexByName = Dictionary(uniqueKeysWithValues: specifications.enumerated().map { ($1.name, $0) })
  }

  /// The specification of a tensor by what it does.
  package func specification(_ role: TensorRole, layer: Int? = nil) -> TensorSpecification? {
    indexByKey[Key(role: role, layer: layer)].map { specifications[$0] }
  }

  /// The specification of a tensor by its name, or nil when the model has no such tensor.
  package func specification(named name: String) -> TensorSpecification? {
    indexByName[name].map { specifications[$0] }
  }

  private static func language(_ c: ModelConfiguration) -> [TensorSpecification] {
    var list = [
      TensorSpecification(
        name: "model.embed_tokens.weight", shape: [c.vocabularySize, c.hiddenSize], part: .embedding,
        role: .tokenEmbedding, layer: nil)
    ]
    for layer in 0..<c.layerCount {
      let rows: [(TensorRole, String, Shape)] = [
        (.rotaryFrequencies, "self_attn.rotary_emb.inv_freq", [c.headDimension / 2]),
        (
          .queryKeyValue, "self_attn.language_expert_query_key_value.weight",
          [c.queryKeyValueRows, c.hiddenSize]
        ),
        (.attentionOutput, "self_attn.language_expert_dense.weight", [c.hiddenSize, c.hiddenSize]),
        (.mlpGate, "mlp.language_mlp.gate_proj.weight", [c.intermediateSize, c.hiddenSize]),
        (.mlpUp, "mlp.language_mlp.up_proj.weight", [c.intermediateSize, c.hiddenSize]),
        (.mlpDown, "mlp.language_mlp.down_proj.weight", [c.hiddenSize, c.intermediateSize]),
        (.inputNorm, "input_layernorm.weight", [c.hiddenSize]),
        (.postAttentionNorm, "post_attention_layernorm.weight", [c.hiddenSize]),
      ]
      list += rows.map { role, suffix, shape in
        TensorSpecification(
          name: "model.layers.\(layer).\(suffix)", shape: shape, part: .language, role: role, layer: layer)
      }
    }
    list.append(
      TensorSpecification(
        name: "model.norm.weight", shape: [c.hiddenSize], part: .language, role: .finalNorm, layer: nil))
    list.append(
      TensorSpecification(
        name: "lm_head.weight", shape: [c.vocabularySize, c.hiddenSize], part: .head, role: .outputHead,
        layer: nil))
    return list
  }

  private static func vision(_ v: VisionConfiguration) -> [TensorSpecification] {
    let patch: [(TensorRole, String, Shape)] = [
      (.classEmbedding, "cls_embedding", [1, v.hiddenSize]),
      (.patchProjection, "proj.weight", [v.hiddenSize, v.channelCount, v.patchSize, v.patchSize]),
      (.patchProjectionBias, "proj.bias", [v.hiddenSize]),
      (.positionEmbedding, "position_embedding.weight", [v.positionCount, v.hiddenSize]),
    ]
    var list = patch.map { role, suffix, shape in
      TensorSpecification(
        name: "model.vision.patch_embedding.\(suffix)", shape: shape, part: .vision, role: role, layer: nil)
    }
    for layer in 0..<v.layerCount {
      let rows: [(TensorRole, String, Shape)] = [
        (.visionQueryKeyValue, "attention.query_key_value.weight", [3 * v.hiddenSize, v.hiddenSize]),
        (.visionQueryKeyValueBias, "attention.query_key_value.bias", [3 * v.hiddenSize]),
        (.visionAttentionOutput, "attention.dense.weight", [v.hiddenSize, v.hiddenSize]),
        (.visionAttentionOutputBias, "attention.dense.bias", [v.hiddenSize]),
        (.visionMLPIn, "mlp.fc1.weight", [v.intermediateSize, v.hiddenSize]),
        (.visionMLPInBias, "mlp.fc1.bias", [v.intermediateSize]),
        (.visionMLPOut, "mlp.fc2.weight", [v.hiddenSize, v.intermediateSize]),
        (.visionMLPOutBias, "mlp.fc2.bias", [v.hiddenSize]),
        (.visionAttentionNorm, "input_layernorm.weight", [v.hiddenSize]),
        (.visionAttentionNormBias, "input_layernorm.bias", [v.hiddenSize]),
        (.visionMLPNorm, "post_attention_layernorm.weight", [v.hiddenSize]),
        (.visionMLPNormBias, "post_attention_layernorm.bias", [v.hiddenSize]),
      ]
      list += rows.map { role, suffix, shape in
        TensorSpecification(
          name: "model.vision.transformer.layers.\(layer).\(suffix)", shape: shape, part: .vision, role: role,
          layer: layer)
      }
    }
    return list
  }

  private static func adapter(_ c: ModelConfiguration) -> [TensorSpecification] {
    let v = c.vision
    let convolution: [(TensorRole, String, Shape)] = [
      (.convolution, "conv.weight", [v.hiddenSize, v.hiddenSize, 2, 2]),
      (.convolutionBias, "conv.bias", [v.hiddenSize]),
    ]
    let adapter: [(TensorRole, String, Shape)] = [
      (.adapterProjection, "linear_proj.linear_proj.weight", [c.hiddenSize, v.hiddenSize]),
      (.adapterNorm, "linear_proj.norm1.weight", [c.hiddenSize]),
      (.adapterNormBias, "linear_proj.norm1.bias", [c.hiddenSize]),
      (.adapterGate, "linear_proj.gate_proj.weight", [c.intermediateSize, c.hiddenSize]),
      (.adapterUp, "linear_proj.dense_h_to_4h.weight", [c.intermediateSize, c.hiddenSize]),
      (.adapterDown, "linear_proj.dense_4h_to_h.weight", [c.hiddenSize, c.intermediateSize]),
      (.beginOfImage, "boi", [1, 1, c.hiddenSize]),
      (.endOfImage, "eoi", [1, 1, c.hiddenSize]),
    ]
    func specify(_ part: ModelPart, _ rows: [(TensorRole, String, Shape)]) -> [TensorSpecification] {
      rows.map { role, suffix, shape in
        TensorSpecification(name: "model.vision.\(suffix)", shape: shape, part: part, role: role, layer: nil)
      }
    }
    return specify(.convolution, convolution) + specify(.adapter, adapter)
  }
}
