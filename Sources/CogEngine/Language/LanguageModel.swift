package import CogBase
package import CogCompute
import CogModel

/// The language model: Llama 3 with the positions and the image features of CogVLM2-Video.
///
/// Source: `modeling_cogvlm.CogVLMVideoModel`; norms come before attention and MLP, keys and values are
/// shared by groups of query heads, attention is causal over all tokens, vision included.
package struct LanguageModel: Sendable {
  /// The table of token embeddings.
  package let embedding: TokenEmbedding
  private let blocks: [DecoderBlock]
  private let finalNorm: RMSNorm
  private let head: Linear
  private let heads: AttentionHeads
  private let frequencies: RotaryFrequencies
  private let compute: Compute
  private let context: RunContext

  /// Binds the language model's weights.
  ///
  /// - Throws: ``CogError`` when the model lacks one.
  package init(_ weights: WeightBinder, context: RunContext) throws {
    var frequencies = RotaryFrequencies()
    embedding = try TokenEmbedding(weights)
    blocks = try (0..<weights.configuration.layerCount).map { layer in
      // The first layer's output is large beside the embeddings that it adds to: there its rounding would
      // show in all that follows.
      try DecoderBlock(
        weights.layer(layer), frequencies: &frequencies, precision: layer == 0 ? .sixteenBits : .eightBits)
    }
    finalNorm = try weights.rmsNorm(.finalNorm)
    head = try weights.linear(.outputHead)
    heads = weights.configuration.attentionHeads
    self.frequencies = frequencies
    compute = weights.compute
    self.context = context
  }

  /// Stages of a pass over tokens after which nothing is answered: the layers.
  package var readingStageCount: Int { blocks.count }

  /// Stages of a pass: the layers, the final norm and the head.
  package var stageCount: Int { blocks.count + 2 }

  /// An empty cache for `capacity` tokens.
  package func makeCache(capacity: Int) -> KeyValueCache {
    KeyValueCache(layerCount: blocks.count, capacity: capacity, heads: heads)
  }

  /// A pass of new tokens through all layers, the final norm and the head, which gives the logits of the last
  /// token, `[1, vocabulary]`.
  ///
  /// - Parameters:
  ///   - embeddings: `[new tokens, width]`.
  ///   - positions: their rotary positions.
  ///   - cache: what came before; the new tokens are added to it.
  ///   - lastOnly: whether the taps of the last layer and the final norm may be of the last token alone: the
  ///     last layer computes no more than that.
  /// - Throws: ``CogError`` when the cache is full, or there are no tokens.
  package func pass(
    _ embeddings: FloatMatrix, positions: [Int], cache: KeyValueCache, lastOnly: Bool,
    progress: (any ProgressTask)? = nil
  ) throws -> ForwardPass {
    try prepare(cache, for: embeddings, positions)
    return ForwardPass(
      stages(positions: positions, cache: cache, lastOnly: lastOnly) + lastStages, input: embeddings,
      context: context, progress: progress)
  }

  /// The same for tokens after which nothing is answered: all layers, for what they leave in the cache.
  ///
  /// - Throws: as ``pass(_:positions:cache:lastOnly:progress:)``.
  package func reading(
    _ embeddings: FloatMatrix, positions: [Int], cache: KeyValueCache, progress: (any ProgressTask)? = nil
  ) throws -> ForwardPass {
    try prepare(cache, for: embeddings, positions)
    return ForwardPass(
      stages(positions: positions, cache: cache, lastOnly: true), input: embeddings, context: context,
      progress: progress)
  }

  private func prepare(_ cache: KeyValueCache, for embeddings: FloatMatrix, _ positions: [Int]) throws {
    guard embeddings.rows > 0, positions.count == embeddings.rows else {
      throw CogError("the prompt is empty")
    }
    guard embeddings.rows <= cache.remaining else {
      throw CogError(
        "the context is full", expected: "at most \(cache.capacity) tokens",
        found: "\(cache.count + embeddings.rows)")
    }
    // After a pass that was cancelled some layers have more tokens than others.
    cache.truncate(to: cache.count)
  }

  /// The layers over prompts that begin alike, for who is not after an answer: the beginning is read once,
  /// and each prompt's rest after it. Keys and values are kept for one layer at a time.
  ///
  /// - Parameters:
  ///   - beginning: the rotary positions of the tokens that all prompts begin with; may be empty.
  ///   - rests: those of each prompt's other tokens, at least one each.
  /// - Returns: stages whose rows are the tokens of the beginning, then those of the rests.
  package func layers(beginning: [Int], rests: [[Int]]) -> [Stage] {
    let parts = ([beginning] + rests).filter { !$0.isEmpty }.map {
      TokenPositions($0, frequencies: frequencies, compute: compute)
    }
    let counts = ([beginning] + rests).map(\.count).filter { $0 > 0 }
    return blocks.enumerated().map { number, block in
      Stage(.layer(number)) { x in
        let cache = LayerCache(capacity: beginning.count + (rests.map(\.count).max() ?? 0), heads: heads)
        let result = FloatMatrix(uninitializedRows: x.rows, columns: x.columns)
        var first = 0
        for (tokens, count) in zip(parts, counts) {
          cache.truncate(to: min(first, beginning.count))
          let rows = x.sharedRows(first..<first + count)
          result.store(block(rows, tokens: tokens, cache: cache, wanted: count), at: first)
          first += count
        }
        return result
      }
    }
  }

  private func stages(positions: [Int], cache: KeyValueCache, lastOnly: Bool) -> [Stage] {
    let tokens = TokenPositions(positions, frequencies: frequencies, compute: compute)
    return zip(blocks, cache.layers).enumerated().map { number, layer in
      let (block, layerCache) = layer
      let wanted = lastOnly && number == blocks.count - 1 ? 1 : positions.count
      return Stage(
        .layer(number), isolated: { alone(block, $0, tokens) },
        { block($0, tokens: tokens, cache: layerCache, wanted: wanted) })
    }
  }

  private func alone(_ block: DecoderBlock, _ x: FloatMatrix, _ tokens: TokenPositions) -> FloatMatrix {
    block(x, tokens: tokens, cache: LayerCache(capacity: x.rows, heads: heads), wanted: x.rows)
  }

  private var lastStages: [Stage] {
    [Stage(.finalNorm) { finalNorm($0) }, Stage(.head) { head($0.lastRows(1)) }]
  }
}
