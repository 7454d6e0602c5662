import CogCompute
import CogModel

/// The learned vectors that a frame has in front and behind it in the prompt. Source: `boi` and `eoi` of
/// `visual.EVA2CLIPModel`.
package struct FrameEdges: Sendable {
  /// `[1, width]`.
  private let begin, end: FloatMatrix
  private let pooledCount: Int

  /// Binds the weights.
  ///
  /// - Throws: `CogError` when the model lacks one.
  init(_ weights: WeightBinder) throws {
    let width = weights.configuration.hiddenSize
    begin = try weights.rows(.beginOfImage, columns: width)
    end = try weights.rows(.endOfImage, columns: width)
    pooledCount = weights.configuration.vision.pooledCount
  }

  /// - Parameter x: `[frames * 64, width]`.
  /// - Returns: `[frames * 66, width]`.
  func callAsFunction(_ x: FloatMatrix) -> FloatMatrix {
    let frameCount = x.rows / pooledCount
    let frameRows = begin.rows + pooledCount + end.rows
    let result = FloatMatrix(uninitializedRows: frameCount * frameRows, columns: x.columns)
    for frame in 0..<frameCount {
      let rows = result.sharedRows(frame * frameRows..<(frame + 1) * frameRows)
      rows.store(begin, at: 0)
      rows.store(x.sharedRows(frame * pooledCount..<(frame + 1) * pooledCount), at: begin.rows)
      rows.store(end, at: begin.rows + pooledCount)
    }
    return result
  }
}
