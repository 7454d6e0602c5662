package import CogBase
package import CogCompute
import CogModel

/// The vision tower, the 2x2 convolution and the adapter: frames in, 66 vectors of the language model's width
/// each out. Source: `visual.EVA2CLIPModel` of the published code.
package struct VisionTower: Sendable {
  private let patchEmbedding: PatchEmbedding
  private let blocks: [VisionBlock]
  private let downsample: Downsample
  private let adapter: Adapter
  private let edges: FrameEdges
  private let positionCount: Int
  private let context: RunContext

  /// Frames that run through a layer together: their activations stay small, and a layer's weights are read
  /// from memory once for all frames, because the next layer starts when every frame is through.
  package static let batchSize = 4

  /// Binds the weights of everything between the frames and the prompt.
  ///
  /// - Throws: ``CogError`` when the model lacks one.
  package init(_ weights: WeightBinder, context: RunContext) throws {
    let vision = weights.configuration.vision
    patchEmbedding = try PatchEmbedding(weights)
    blocks = try (0..<vision.layerCount).map { try VisionBlock(weights.layer($0)) }
    downsample = try Downsample(weights)
    adapter = try Adapter(weights)
    edges = try FrameEdges(weights)
    positionCount = vision.positionCount
    self.context = context
  }

  /// The stages from prepared images to image features. All frames go through a stage together; rows are
  /// frames times positions.
  package var stages: [Stage] {
    let layers = blocks.enumerated().map { number, block in
      Stage(.visionLayer(number)) { inBatches($0, of: block) }
    }
    return [Stage(.patchEmbedding) { patchEmbedding($0) }] + layers
      + [
        Stage(.convolution) { downsample($0) }, Stage(.adapter) { adapter($0) }, Stage(.vision) { edges($0) },
      ]
  }

  private func inBatches(_ x: FloatMatrix, of block: VisionBlock) -> FloatMatrix {
    let result = FloatMatrix(uninitializedRows: x.rows, columns: x.columns)
    let batchRows = Self.batchSize * positionCount
    for start in stride(from: 0, to: x.rows, by: batchRows) {
      let batch = start..<min(start + batchRows, x.rows)
      block(x.sharedRows(batch), into: result.sharedRows(batch))
    }
    return result
  }

  /// A pass of frames through all stages, which gives the image features, `[frames * 66, width]`.
  ///
  /// - Parameters:
  ///   - images: prepared frames `[frames, 3 * size * size]`, normalized planes.
  ///   - stages: other stages than the tower's own, for tests of who judges them.
  /// - Throws: ``CogError`` when the images have another size.
  package func pass(
    _ images: FloatMatrix, stages: [Stage]? = nil, progress: (any ProgressTask)? = nil
  ) throws -> ForwardPass {
    guard images.columns == patchEmbedding.pixelCount else {
      throw CogError(
        "prepared images have another size", expected: "\(patchEmbedding.pixelCount) values",
        found: "\(images.columns)")
    }
    return ForwardPass(stages ?? self.stages, input: images, context: context, progress: progress)
  }

  /// Runs all frames through all stages.
  ///
  /// - Parameters:
  ///   - images: prepared frames `[frames, 3 * size * size]`, normalized planes.
  ///   - progress: a task that counts each stage as one unit.
  ///   - tap: receives the value of each stage.
  /// - Returns: `[frames * 66, width]`.
  /// - Throws: as ``pass(_:stages:progress:)``; what `tap` throws; an interrupt.
  package func forward(
    _ images: FloatMatrix, progress: (any ProgressTask)? = nil, tap: TapHandler? = nil
  ) throws -> FloatMatrix {
    var pass = try pass(images, progress: progress)
    return try pass.run(tap: tap)
  }
}
