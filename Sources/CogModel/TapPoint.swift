package import CogBase

/// A point of the model's graph whose value can be observed, in the order of the forward pass.
///
/// It is named by the PyTorch module whose output it is; engine, reference bundles and reports use that one
/// name.
package enum TapPoint: Hashable, Sendable, Comparable {
  /// Patches, CLS and positions: `[frames, 257, vision width]`.
  case patchEmbedding
  /// Output of a layer of the vision tower: `[frames, 257, vision width]`.
  case visionLayer(Int)
  /// Output of the 2x2 convolution: `[frames, vision width, 8, 8]`.
  case convolution
  /// Output of the adapter: `[frames, 64, width]`.
  case adapter
  /// A frame as it enters the prompt, boi and eoi included: `[frames, 66, width]`.
  case vision
  /// Output of a layer of the language model: `[tokens, width]`.
  case layer(Int)
  /// Output of the last RMSNorm: `[tokens, width]`.
  case finalNorm
  /// Logits of the last position: `[1, vocabulary]`.
  case head

  /// All points of a model, in the order of the forward pass.
  package static func all(_ configuration: ModelConfiguration) -> [TapPoint] {
    [.patchEmbedding] + (0..<configuration.vision.layerCount).map { .visionLayer($0) }
      + [.convolution, .adapter, .vision]
      + (0..<configuration.layerCount).map { .layer($0) } + [.finalNorm, .head]
  }

  /// The PyTorch module path.
  package var name: String {
    switch self {
    case .patchEmbedding: "model.vision.patch_embedding"
    case .visionLayer(let layer): "model.vision.transformer.layers.\(layer)"
    case .convolution: "model.vision.conv"
    case .adapter: "model.vision.linear_proj"
    case .vision: "model.vision"
    case .layer(let layer): "model.layers.\(layer)"
    case .finalNorm: "model.norm"
    case .head: "lm_head"
    }
  }

  /// Whether the value has a row of frames in front.
  package var isVision: Bool {
    switch self {
    case .patchEmbedding, .visionLayer, .convolution, .adapter, .vision: true
    case .layer, .finalNorm, .head: false
    }
  }

  /// The shape that the value has in PyTorch.
  ///
  /// - Parameter count: frames of a vision point, tokens of another one.
  package func shape(of count: Int, _ configuration: ModelConfiguration) -> Shape {
    let (positions, row) = sizes(configuration)
    return Shape([count] + positions + row)
  }

  /// The last dimensions of that shape: those that are one row in the engine. Channels come first.
  package func rowShape(_ configuration: ModelConfiguration) -> [Int] { sizes(configuration).row }

  private func sizes(_ c: ModelConfiguration) -> (positions: [Int], row: [Int]) {
    let v = c.vision
    return switch self {
    case .patchEmbedding, .visionLayer: ([v.positionCount], [v.hiddenSize])
    case .convolution: ([], [v.hiddenSize, v.pooledGridSize, v.pooledGridSize])
    case .adapter: ([v.pooledCount], [c.hiddenSize])
    case .vision: ([v.tokensPerFrame], [c.hiddenSize])
    case .layer, .finalNorm: ([], [c.hiddenSize])
    case .head: ([], [c.vocabularySize])
    }
  }

  /// The point that a PyTorch module path names, or nil.
  package init?(name: String) {
    let fixed: [TapPoint] = [.patchEmbedding, .convolution, .adapter, .vision, .finalNorm, .head]
    let stack = name.lastIndex(of: ".").map { name[..<$0] }
    let layer = max(0, stack.flatMap { Int(name.dropFirst($0.count + 1)) } ?? 0)
    guard let point = (fixed + [.visionLayer(layer), .layer(layer)]).first(where: { $0.name == name }) else {
      return nil
    }
    self = point
  }

  /// The output of the layer that computes with a tensor; nil for a name that no model has.
  package init?(ofTensor name: String) {
    guard let (part, role, layer) = TensorTable.meaning(of: name) else { return nil }
    switch part {
    case .embedding: self = .layer(0)
    case .language: self = layer.map { .layer($0) } ?? .finalNorm
    case .head: self = .head
    case .vision: self = layer.map { .visionLayer($0) } ?? .patchEmbedding
    case .convolution: self = .convolution
    case .adapter: self = [.beginOfImage, .endOfImage].contains(role) ? .vision : .adapter
    }
  }

  /// The part of the model that it is an output of.
  package var part: ModelPart {
    switch self {
    case .patchEmbedding, .visionLayer: .vision
    case .convolution: .convolution
    case .adapter, .vision: .adapter
    case .layer, .finalNorm: .language
    case .head: .head
    }
  }
}

extension TapPoint: Codable {
  /// Writes the name.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }

  /// Reads the name of a point.
  ///
  /// - Throws: `DecodingError` when no point has the name.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let point = TapPoint(name: name) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "no tap is named \(name)")
    }
    self = point
  }
}
