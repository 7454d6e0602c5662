import CogCompute
import CogModel

/// Drops CLS, lays the patches out as a grid and makes each 2x2 of them one vector. Source: `conv` of
/// `visual.EVA2CLIPModel`.
package struct Downsample: Sendable {
  private let convolution: WindowConvolution
  private let positionCount: Int
  private let gridSize: Int

  /// Binds the weights.
  ///
  /// - Throws: `CogError` when the model lacks one.
  init(_ weights: WeightBinder) throws {
    convolution = try weights.convolution(.convolution, bias: .convolutionBias)
    positionCount = weights.configuration.vision.positionCount
    gridSize = weights.configuration.vision.gridSize
  }

  /// - Parameter x: `[frames * positions, vision width]`.
  /// - Returns: `[frames, vision width * 8 * 8]`, channels outermost, as PyTorch's `Conv2d` gives it.
  func callAsFunction(_ x: FloatMatrix) -> FloatMatrix {
    let grids = stride(from: 0, to: x.rows, by: positionCount).map { first in
      x.sharedRows(first + 1..<first + positionCount)
    }
    let pooled = convolution(grids: grids, columns: gridSize)
    let count = pooled.rows / max(1, grids.count)
    let result = FloatMatrix(uninitializedRows: grids.count, columns: count * pooled.columns)
    for frame in grids.indices {
      // Rows are positions, columns channels; the convolution's own layout is the transpose.
      pooled.sharedRows(frame * count..<(frame + 1) * count)
        .transpose(into: result.sharedRows(frame..<frame + 1).reshaped(rows: pooled.columns, columns: count))
    }
    return result
  }
}
