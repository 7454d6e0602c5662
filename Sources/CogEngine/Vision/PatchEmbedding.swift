import CogCompute

/// Patches projected, CLS in front, positions added. Source: `visual.PatchEmbedding`.
package struct PatchEmbedding: Sendable {
  private let projection: WindowConvolution
  /// `[1, vision width]`.
  private let classEmbedding: FloatMatrix
  /// `[positions, vision width]`, CLS first.
  private let positionEmbedding: FloatMatrix
  private let imageSize: Int
  private let compute: Compute

  /// Values of a prepared image.
  var pixelCount: Int { projection.channels * imageSize * imageSize }

  /// Binds the weights.
  ///
  /// - Throws: `CogError` when the model lacks one.
  init(_ weights: WeightBinder) throws {
    projection = try weights.convolution(.patchProjection, bias: .patchProjectionBias)
    let width = projection.outputChannels
    classEmbedding = try weights.rows(.classEmbedding, columns: width)
    positionEmbedding = try weights.rows(.positionEmbedding, columns: width)
    imageSize = weights.configuration.vision.imageSize
    compute = weights.compute
  }

  /// - Parameter images: `[frames, 3 * size * size]`, normalized planes; rounded to bfloat16 in that mode, as
  ///   the published code does.
  /// - Returns: `[frames * positions, vision width]`.
  func callAsFunction(_ images: FloatMatrix) -> FloatMatrix {
    let patches = projection(planes: images, rows: imageSize, columns: imageSize)
    let positions = positionEmbedding.rows
    let result = FloatMatrix(uninitializedRows: images.rows * positions, columns: patches.columns)
    compute.threads.parallelFor(images.rows) { frame in
      let rows = result.sharedRows(frame * positions..<(frame + 1) * positions)
      rows.store(classEmbedding, at: 0)
      rows.store(patches.sharedRows(frame * (positions - 1)..<(frame + 1) * (positions - 1)), at: 1)
      compute.add(positionEmbedding, to: rows)
    }
    return result
  }
}
