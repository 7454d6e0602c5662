import CogCompute
import CogModel

/// One layer of the vision tower: `h += norm(attention(h))`, then `h += norm(mlp(h))`; nothing is normalized
/// on the way in. Source: `visual.TransformerLayer`.
package struct VisionBlock: Sendable {
  private let attention: VisionAttention
  private let attentionNorm: LayerNorm
  private let mlp: GELUMLP
  private let mlpNorm: LayerNorm
  private let compute: Compute

  /// Binds a layer's weights.
  ///
  /// - Throws: `CogError` when the model lacks one.
  init(_ weights: WeightBinder) throws {
    let epsilon = weights.configuration.vision.layerNormEpsilon
    attention = try VisionAttention(weights)
    attentionNorm = try weights.layerNorm(
      .visionAttentionNorm, bias: .visionAttentionNormBias, epsilon: epsilon)
    mlp = try GELUMLP(
      fc1: weights.linear(.visionMLPIn, bias: .visionMLPInBias),
      fc2: weights.linear(.visionMLPOut, bias: .visionMLPOutBias))
    mlpNorm = try weights.layerNorm(.visionMLPNorm, bias: .visionMLPNormBias, epsilon: epsilon)
    compute = weights.compute
  }

  /// - Parameters:
  ///   - x: whole frames, `[frames * positions, vision width]`; it is not changed.
  ///   - result: where the output goes, of the same shape.
  func callAsFunction(_ x: FloatMatrix, into result: FloatMatrix) {
    let hidden = attentionNorm(attention(x))
    compute.add(x, to: hidden)
    mlpNorm(mlp(hidden), into: result)
    compute.add(hidden, to: result)
  }
}

/// Attention within each frame. Source: `visual.Attention`.
package struct VisionAttention: Sendable {
  private let queryKeyValue: Linear
  private let output: Linear
  private let heads: AttentionHeads
  private let positionCount: Int
  private let compute: Compute

  /// Binds a layer's weights.
  ///
  /// - Throws: `CogError` when the model lacks one.
  init(_ weights: WeightBinder) throws {
    let vision = weights.configuration.vision
    // Small errors of scores move a frame's attention to other patches. Beside int8 weights, which cost next
    // to nothing, 8-bit activations are most of the damage (BENCHMARKS.md, "What four bits cost").
    let isExact = try weights.encoding(of: .visionQueryKeyValue).bits > 4
    queryKeyValue = try weights.linear(
      .visionQueryKeyValue, bias: .visionQueryKeyValueBias, precision: isExact ? .sixteenBits : .eightBits)
    output = try weights.linear(.visionAttentionOutput, bias: .visionAttentionOutputBias)
    heads = AttentionHeads(
      count: vision.headCount, keyValueCount: vision.headCount, dimension: vision.headDimension)
    positionCount = vision.positionCount
    compute = weights.compute
  }

  /// - Parameter x: whole frames, `[frames * positions, vision width]`.
  /// - Returns: the same shape.
  func callAsFunction(_ x: FloatMatrix) -> FloatMatrix {
    let fused = queryKeyValue(x)
    let width = heads.width
    let context = FloatMatrix(uninitializedRows: x.rows, columns: width)
    for first in stride(from: 0, to: x.rows, by: positionCount) {
      let frame = fused.sharedRows(first..<first + positionCount)
      compute.attention(
        queries: frame.columns(0..<width), keys: frame.columns(width..<2 * width),
        values: frame.columns(2 * width..<3 * width), heads: heads, isCausal: false,
        into: context.sharedRows(first..<first + positionCount))
    }
    return output(context)
  }
}
