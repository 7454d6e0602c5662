import CogCompute
import CogModel

/// The gated adapter from the tower's width to the language model's. Source: `visual.GLU`.
package struct Adapter: Sendable {
  private let projection: Linear
  private let norm: LayerNorm
  private let mlp: GatedMLP
  private let compute: Compute

  /// Binds the weights.
  ///
  /// - Throws: `CogError` when the model lacks one.
  init(_ weights: WeightBinder) throws {
    // Nothing carries the frames past these four layers, so their rounding would show in full.
    projection = try weights.linear(.adapterProjection, precision: .sixteenBits)
    norm = try weights.layerNorm(.adapterNorm, bias: .adapterNormBias, epsilon: 1e-5)
    mlp = try GatedMLP(
      gate: weights.linear(.adapterGate, precision: .sixteenBits),
      up: weights.linear(.adapterUp, precision: .sixteenBits),
      down: weights.linear(.adapterDown, precision: .sixteenBits))
    compute = weights.compute
  }

  /// - Parameter x: the convolution's output, `[frames, vision width * 8 * 8]`, channels outermost.
  /// - Returns: `[frames * 64, width]`.
  func callAsFunction(_ x: FloatMatrix) -> FloatMatrix {
    let hidden = norm(projection(positionsFirst(x)))
    compute.gelu(hidden)
    return mlp(hidden)
  }

  /// `[frames, vision width * 64]` transposed to `[frames * 64, vision width]`.
  private func positionsFirst(_ x: FloatMatrix) -> FloatMatrix {
    let width = projection.columns
    let count = x.columns / width
    let result = FloatMatrix(uninitializedRows: x.rows * count, columns: width)
    for frame in 0..<x.rows {
      x.sharedRows(frame..<frame + 1).reshaped(rows: width, columns: count)
        .transpose(into: result.sharedRows(frame * count..<(frame + 1) * count))
    }
    return result
  }
}
