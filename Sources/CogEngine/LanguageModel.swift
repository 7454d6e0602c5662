package import CogBase
package import CogCompute
package import CogModel

/// The language model: Llama 3 with the positions and the image features of CogVLM2-Video.
///
/// Source: `modeling_cogvlm.CogVLMVideoModel`; norms come before attention and MLP, keys and values are
/// shared by groups of query heads, attention is causal over all tokens, vision included.
package struct LanguageModel: Sendable {
  /// The model's sizes.
  package let configuration: ModelConfiguration
  let weights: ModelWeights
  let compute: Compute

  /// A language model over a model's weights.
  package init(weights: ModelWeights, compute: Compute) {
    configuration = weights.file.configuration
    self.weights = weights
    self.compute = compute
  }

  /// An empty cache for `capacity` tokens.
  package func makeCache(capacity: Int) -> KeyValueCache {
    KeyValueCache(
      layerCount: configuration.layerCount, capacity: capacity, headCount: configuration.keyValueHeadCount,
      headDimension: configuration.headDimension)
  }

  /// The embeddings of tokens, with image features in the places typed vision.
  ///
  /// - Parameters:
  ///   - ids: token ids.
  ///   - tokenTypes: 1 where an image feature goes, 0 elsewhere.
  ///   - features: one row for each 1, in order.
  /// - Returns: `[tokens, width]`.
  /// - Throws: ``CogError`` when an id is outside of the vocabulary or the features are too few or too many.
  package func embeddings(ids: [Int], tokenTypes: [Int], features: FloatMatrix?) throws -> FloatMatrix {
    let table = try weights.matrix(.tokenEmbedding)
    let width = configuration.hiddenSize
    let visionCount = tokenTypes.count { $0 == 1 }
    guard ids.count == tokenTypes.count, visionCount == features?.rows ?? 0 else {
      throw CogError(
        "image features and prompt do not fit", expected: "\(visionCount) vectors",
        found: "\(features?.rows ?? 0)")
    }
    let result = FloatMatrix(rows: ids.count, columns: width)
    var nextFeature = 0
    for (index, id) in ids.enumerated() {
      let target = result.pointer + index * width
      if tokenTypes[index] == 1, let features {
        target.update(from: features.pointer + nextFeature * width, count: width)
        nextFeature += 1
      } else {
        guard id >= 0, id < configuration.vocabularySize else {
          throw CogError(
            "a token id is outside of the vocabulary", expected: "below \(configuration.vocabularySize)",
            found: "\(id)")
        }
        let row = try table.dequantizedRows(id..<id + 1)
        target.update(from: row.pointer, count: width)
      }
    }
    compute.round(result)
    return result
  }

  /// Runs new tokens through all layers.
  ///
  /// - Parameters:
  ///   - x: embeddings `[new tokens, width]`.
  ///   - positions: their rotary positions.
  ///   - cache: what came before; the new tokens are added to it.
  ///   - lastOnly: whether the output of the last token is all that is wanted: the last layer computes no
  ///     more than that.
  ///   - tap: receives each layer's output.
  /// - Returns: the last layer's output, before the final norm: `[new tokens, width]`, or the last row of it.
  /// - Throws: ``CogError`` when the cache is full; what `tap` throws; an interrupt.
  package func forward(
    _ x: FloatMatrix, positions: [Int], cache: KeyValueCache, lastOnly: Bool = false,
    progress: Progress? = nil, tap: TapHandler? = nil
  ) throws -> FloatMatrix {
    guard cache.count + x.rows <= cache.capacity else {
      throw CogError(
        "the context is full", expected: "at most \(cache.capacity) tokens", found: "\(cache.count + x.rows)")
    }
    var hidden = x
    for layer in 0..<configuration.layerCount {
      try Interruption.check()
      let isLast = layer == configuration.layerCount - 1
      let wanted = isLast && lastOnly ? min(1, x.rows) : x.rows
      hidden = try self.layer(layer, hidden, positions: positions, cache: cache, wanted: wanted)
      try tap?(Tap(point: .layer(layer), value: hidden))
      progress?.advance(by: 1, "layer \(layer + 1) of \(configuration.layerCount)")
    }
    cache.advance(by: x.rows)
    return hidden
  }

  /// One layer. Its keys and values are stored in the cache but not counted there yet.
  ///
  /// - Parameters:
  ///   - x: `[new tokens, width]`; it is not changed.
  ///   - wanted: how many of the last tokens' outputs are wanted, all by default.
  /// - Returns: `[wanted, width]`.
  package func layer(
    _ layer: Int, _ x: FloatMatrix, positions: [Int], cache: KeyValueCache, wanted: Int? = nil
  ) throws -> FloatMatrix {
    let wanted = wanted ?? x.rows
    let attended = try attention(
      layer, norm(x, .inputNorm, layer), positions: positions, cache: cache, wanted: wanted)
    compute.add(attended, x.sharedRows(x.rows - wanted..<x.rows))
    let result = try mlp(layer, norm(attended, .postAttentionNorm, layer))
    compute.add(result, attended)
    return result
  }

  private func attention(
    _ layer: Int, _ x: FloatMatrix, positions: [Int], cache: KeyValueCache, wanted: Int
  ) throws -> FloatMatrix {
    let c = configuration
    let fused = try linear(x, .queryKeyValue, layer)
    let rotary = try cache.rotary(
      frequencies: weights.vector(.rotaryFrequencies, layer: layer), positions: positions, compute: compute)
    // Queries and keys lie side by side in a row: one rotation serves both.
    rotary.rotate(fused, headCount: c.headCount + c.keyValueHeadCount, threads: compute.threads)
    compute.round(fused)
    let context = cache.attend(
      layer: layer, fused: fused, headCount: c.headCount, wanted: wanted, compute: compute)
    return try linear(context, .attentionOutput, layer)
  }

  private func mlp(_ layer: Int, _ x: FloatMatrix) throws -> FloatMatrix {
    let weights = try [TensorRole.mlpGate, .mlpUp].map { try self.weights.matrix($0, layer: layer) }
    let hidden = try compute.linear(x, weights, precision: precision(layer))
    compute.gate(hidden[0], hidden[1])
    return try linear(hidden[0], .mlpDown, layer)
  }

  private func linear(_ x: FloatMatrix, _ role: TensorRole, _ layer: Int) throws -> FloatMatrix {
    try compute.linear(x, weights.matrix(role, layer: layer), precision: precision(layer))
  }

  /// The first layer's output is large beside the embeddings that it adds to: there its rounding would show
  /// in all that follows.
  private func precision(_ layer: Int) -> ActivationPrecision { layer == 0 ? .sixteenBits : .eightBits }

  private func norm(_ x: FloatMatrix, _ role: TensorRole, _ layer: Int? = nil) throws -> FloatMatrix {
    try compute.rmsNorm(x, weight: weights.vector(role, layer: layer), epsilon: configuration.rmsNormEpsilon)
  }

  /// The final RMSNorm. - Parameter x: `[tokens, width]`.
  package func finalNorm(_ x: FloatMatrix) throws -> FloatMatrix { try norm(x, .finalNorm) }

  /// Logits. - Parameter x: normalized rows `[tokens, width]`. - Returns: `[tokens, vocabulary]`.
  package func head(_ x: FloatMatrix) throws -> FloatMatrix {
    try compute.linear(x, weights.matrix(.outputHead))
  }
}
