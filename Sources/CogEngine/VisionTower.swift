package import CogBase
package import CogCompute
package import CogModel

/// The vision tower, the 2x2 convolution and the adapter: frames in, 66 vectors of the language model's width
/// each out.
///
/// Source: `visual.EVA2CLIPModel` of the published code. The residuals are post-norm: a layer adds the *norm
/// of* attention and MLP outputs, and normalizes nothing on the way in.
package struct VisionTower: VisionStages {
  /// The whole model's sizes; `vision` are the tower's.
  package let configuration: ModelConfiguration
  let weights: ModelWeights
  let compute: Compute

  /// Frames that run through a layer together: their activations stay small, and a layer's weights are read
  /// from memory once for all frames, because the next layer starts when every frame is through.
  package static let batchSize = 4

  /// A tower over a model's weights.
  package init(weights: ModelWeights, compute: Compute) {
    configuration = weights.file.configuration
    self.weights = weights
    self.compute = compute
  }

  private var vision: VisionConfiguration { configuration.vision }

  /// Runs all frames, layer by layer.
  ///
  /// - Parameter images: prepared frames `[frames, 3 * size * size]`, normalized planes.
  /// - Returns: `[frames * 66, width]`.
  /// - Throws: ``CogError`` when the images have another size; an interrupt.
  package func forward(_ images: FloatMatrix, progress: Progress? = nil) throws -> FloatMatrix {
    var x = try patchEmbedding(images)
    for layer in 0..<vision.layerCount {
      try Interruption.check()
      x = try self.layer(layer, x)
      progress?.advance(by: 1, "vision layer \(layer + 1) of \(vision.layerCount)")
    }
    return try framed(adapter(convolution(x)))
  }

  /// Patches projected, CLS in front, positions added. Source: `PatchEmbedding`.
  ///
  /// - Parameter images: `[frames, 3 * size * size]`; rounded to bfloat16 in that mode, as the published code
  ///   does.
  /// - Returns: `[frames * 257, vision width]`.
  /// - Throws: ``CogError`` when the images have another size.
  package func patchEmbedding(_ images: FloatMatrix) throws -> FloatMatrix {
    let pixelCount = vision.channelCount * vision.imageSize * vision.imageSize
    guard images.columns == pixelCount else {
      throw CogError(
        "prepared images have another size", expected: "\(pixelCount) values", found: "\(images.columns)")
    }
    let patches = patches(of: images)
    compute.round(patches)
    let projected = try compute.linear(
      patches, weights.matrix(.patchProjection), bias: weights.vector(.patchProjectionBias))
    let cls = try FloatMatrix(weights.vector(.classEmbedding), rows: 1, columns: vision.hiddenSize)
    let positions = try FloatMatrix(
      weights.vector(.positionEmbedding), rows: vision.positionCount, columns: vision.hiddenSize)
    compute.round(cls)
    compute.round(positions)
    let result = FloatMatrix(
      uninitializedRows: images.rows * vision.positionCount, columns: vision.hiddenSize)
    compute.threads.parallelFor(images.rows) { frame in
      let rows = result.sharedRows(frame * vision.positionCount..<(frame + 1) * vision.positionCount)
      rows.pointer.update(from: cls.pointer, count: cls.count)
      (rows.pointer + cls.count).update(
        from: projected.pointer + frame * (positions.count - cls.count), count: positions.count - cls.count)
      compute.add(rows, positions)
    }
    return result
  }

  /// Cuts images into patches: `[frames * 256, 3 * 14 * 14]`, a patch's values in the order of the weight's
  /// columns.
  private func patches(of images: FloatMatrix) -> FloatMatrix {
    let grid = vision.gridSize
    let patch = vision.patchSize
    let size = vision.imageSize
    let result = FloatMatrix(
      uninitializedRows: images.rows * grid * grid, columns: vision.channelCount * patch * patch)
    compute.threads.parallelFor(result.rows) { row in
      let (frame, cell) = row.quotientAndRemainder(dividingBy: grid * grid)
      let image = images.pointer + frame * images.columns
      var target = result.pointer + row * result.columns
      for channel in 0..<vision.channelCount {
        for y in 0..<patch {
          let line = (channel * size + cell / grid * patch + y) * size + cell % grid * patch
          target.update(from: image + line, count: patch)
          target += patch
        }
      }
    }
    return result
  }

  /// One layer: `h += norm(attention(h))`, then `h += norm(mlp(h))`. Source: `TransformerLayer`.
  ///
  /// - Parameter x: `[frames * 257, vision width]`; it is not changed.
  /// - Returns: the same shape.
  package func layer(_ layer: Int, _ x: FloatMatrix) throws -> FloatMatrix {
    let result = FloatMatrix(uninitializedRows: x.rows, columns: x.columns)
    let batchRows = Self.batchSize * vision.positionCount
    for start in stride(from: 0, to: x.rows, by: batchRows) {
      let batch = start..<min(start + batchRows, x.rows)
      try layerBatch(layer, x.sharedRows(batch), into: result.sharedRows(batch))
    }
    return result
  }

  private func layerBatch(_ layer: Int, _ x: FloatMatrix, into result: FloatMatrix) throws {
    let hidden = FloatMatrix(uninitializedRows: x.rows, columns: x.columns)
    try norm(attention(layer, x), .visionAttentionNorm, .visionAttentionNormBias, layer, into: hidden)
    compute.add(hidden, x)
    try norm(mlp(layer, hidden), .visionMLPNorm, .visionMLPNormBias, layer, into: result)
    compute.add(result, hidden)
  }

  private func norm(
    _ x: FloatMatrix, _ weight: TensorRole, _ bias: TensorRole, _ layer: Int, into target: FloatMatrix
  ) throws {
    try compute.layerNorm(
      x, weight: weights.vector(weight, layer: layer), bias: weights.vector(bias, layer: layer),
      epsilon: vision.layerNormEpsilon, into: target)
  }

  private func attention(_ layer: Int, _ x: FloatMatrix) throws -> FloatMatrix {
    let width = vision.hiddenSize
    let fused = try compute.linear(
      x, weights.matrix(.visionQueryKeyValue, layer: layer),
      bias: weights.vector(.visionQueryKeyValueBias, layer: layer))
    let context = FloatMatrix(uninitializedRows: x.rows, columns: width)
    for frame in 0..<x.rows / vision.positionCount {
      let start = fused.pointer + frame * vision.positionCount * fused.columns
      compute.attention(
        AttentionInput(
          queries: UnsafePointer(start), queryStride: fused.columns, keys: UnsafePointer(start + width),
          keyStride: fused.columns, values: UnsafePointer(start + 2 * width), valueStride: fused.columns,
          queryCount: vision.positionCount, keyCount: vision.positionCount, headCount: vision.headCount,
          keyValueHeadCount: vision.headCount, headDimension: vision.headDimension,
          scale: 1 / Float(vision.headDimension).squareRoot(), isCausal: false),
        into: context.pointer + frame * vision.positionCount * width)
    }
    return try compute.linear(
      context, weights.matrix(.visionAttentionOutput, layer: layer),
      bias: weights.vector(.visionAttentionOutputBias, layer: layer))
  }

  private func mlp(_ layer: Int, _ x: FloatMatrix) throws -> FloatMatrix {
    try compute.geluLayers(
      x,
      inner: LinearLayer(
        weights.matrix(.visionMLPIn, layer: layer), bias: weights.vector(.visionMLPInBias, layer: layer)),
      outer: LinearLayer(
        weights.matrix(.visionMLPOut, layer: layer), bias: weights.vector(.visionMLPOutBias, layer: layer)))
  }
}
