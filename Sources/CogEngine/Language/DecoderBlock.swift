import CogCompute

/// One layer of the language model: `h += attention(norm(h))`, then `h += mlp(norm(h))`. Source:
/// `modeling_cogvlm.CogVLMDecoderLayer`.
package struct DecoderBlock: Sendable {
  private let inputNorm: RMSNorm
  private let attention: Attention
  private let postAttentionNorm: RMSNorm
  private let mlp: GatedMLP
  private let compute: Compute

  /// Binds a layer's weights.
  ///
  /// - Parameter frequencies: takes the layer's rotary frequencies.
  /// - Throws: `CogError` when the model lacks one.
  init(_ weights: WeightBinder, frequencies: inout RotaryFrequencies, precision: ActivationPrecision) throws {
    inputNorm = try weights.rmsNorm(.inputNorm)
    attention = try Attention(weights, frequencies: &frequencies, precision: precision)
    postAttentionNorm = try weights.rmsNorm(.postAttentionNorm)
    mlp = try GatedMLP(
      gate: weights.linear(.mlpGate, precision: precision), up: weights.linear(.mlpUp, precision: precision),
      down: weights.linear(.mlpDown, precision: precision))
    compute = weights.compute
  }

  /// Runs new tokens, whose keys and values go to the cache.
  ///
  /// - Parameters:
  ///   - x: `[new tokens, width]`; it is not changed.
  ///   - wanted: how many of the last tokens' outputs are wanted.
  /// - Returns: `[wanted, width]`.
  func callAsFunction(_ x: FloatMatrix, tokens: TokenPositions, cache: LayerCache, wanted: Int) -> FloatMatrix
  {
    let attended = attention(inputNorm(x), tokens: tokens, cache: cache, wanted: wanted)
    compute.add(x.lastRows(wanted), to: attended)
    let result = mlp(postAttentionNorm(attended))
    compute.add(attended, to: result)
    return result
  }
}
