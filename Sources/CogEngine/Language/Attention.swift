package import CogCompute
import CogModel

/// Attention of a language layer: rotary positions, and keys and values shared by groups of query heads.
/// Source: `modeling_cogvlm.VisionExpertAttention`, of which this model has the language expert only.
package struct Attention: Sendable {
  private let queryKeyValue: Linear
  private let output: Linear
  private let heads: AttentionHeads
  private let frequencies: RotaryFrequencies.Table
  private let compute: Compute

  /// Binds a layer's weights.
  ///
  /// - Parameter frequencies: takes the layer's rotary frequencies.
  /// - Throws: `CogError` when the model lacks one.
  init(_ weights: WeightBinder, frequencies: inout RotaryFrequencies, precision: ActivationPrecision) throws {
    queryKeyValue = try weights.linear(.queryKeyValue, precision: precision)
    output = try weights.linear(.attentionOutput, precision: precision)
    heads = weights.configuration.attentionHeads
    self.frequencies = frequencies.insert(try weights.vector(.rotaryFrequencies))
    compute = weights.compute
  }

  /// - Parameters:
  ///   - x: normalized, `[new tokens, width]`.
  ///   - wanted: how many of the last tokens' outputs are wanted.
  /// - Returns: `[wanted, width]`.
  func callAsFunction(_ x: FloatMatrix, tokens: TokenPositions, cache: LayerCache, wanted: Int) -> FloatMatrix
  {
    let fused = queryKeyValue(x)
    // Queries and keys lie side by side in a row: one rotation serves both.
    tokens.angles(frequencies).rotate(fused, headCount: heads.count + heads.keyValueCount)
    compute.round(fused)
    let (keys, values) = (heads.width, heads.width + heads.keyValueWidth)
    let context = cache.attend(
      queries: fused.lastRows(wanted).columns(0..<keys), keys: fused.columns(keys..<values),
      values: fused.columns(values..<fused.columns), compute: compute)
    return output(context)
  }
}

extension ModelConfiguration {
  /// The heads of a language layer.
  package var attentionHeads: AttentionHeads {
    AttentionHeads(count: headCount, keyValueCount: keyValueHeadCount, dimension: headDimension)
  }
}
