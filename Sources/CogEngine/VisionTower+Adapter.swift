package import CogCompute
import CogModel

extension VisionTower {
  /// Drops CLS, lays the 256 positions out as 16 x 16 and applies the 2x2 convolution with stride 2.
  ///
  /// - Parameter x: `[frames * 257, vision width]`.
  /// - Returns: `[frames, vision width * 8 * 8]`, channels outermost, as PyTorch's `Conv2d` gives it.
  package func convolution(_ x: FloatMatrix) throws -> FloatMatrix {
    let vision = configuration.vision
    let width = vision.hiddenSize
    let frameCount = x.rows / vision.positionCount
    let pooled = try compute.linear(
      windows(of: x, frameCount: frameCount), weights.matrix(.convolution),
      bias: weights.vector(.convolutionBias))
    // Rows are positions, columns channels; the convolution's own layout is the transpose.
    let result = FloatMatrix(rows: frameCount, columns: width * vision.pooledCount)
    for frame in 0..<frameCount {
      for position in 0..<vision.pooledCount {
        let row = pooled.pointer + (frame * vision.pooledCount + position) * width
        let target = result.pointer + frame * result.columns + position
        for channel in 0..<width { target[channel * vision.pooledCount] = row[channel] }
      }
    }
    return result
  }

  /// The 2x2 windows of the grid, `[frames * 64, vision width * 2 * 2]`, in the order of the weight's
  /// columns.
  private func windows(of x: FloatMatrix, frameCount: Int) -> FloatMatrix {
    let vision = configuration.vision
    let (width, grid, pooled) = (vision.hiddenSize, vision.gridSize, vision.pooledGridSize)
    let result = FloatMatrix(rows: frameCount * vision.pooledCount, columns: width * 4)
    for row in 0..<result.rows {
      let (frame, cell) = row.quotientAndRemainder(dividingBy: vision.pooledCount)
      let target = result.pointer + row * result.columns
      for corner in 0..<4 {
        let y = cell / pooled * 2 + corner / 2
        let x0 = cell % pooled * 2 + corner % 2
        let source = x.pointer + (frame * vision.positionCount + 1 + y * grid + x0) * width
        for channel in 0..<width { target[channel * 4 + corner] = source[channel] }
      }
    }
    return result
  }

  /// The gated adapter from the tower's width to the language model's. Source: `visual.GLU`.
  ///
  /// - Parameter x: the convolution's output, `[frames, vision width * 8 * 8]`.
  /// - Returns: `[frames * 64, width]`.
  package func adapter(_ x: FloatMatrix) throws -> FloatMatrix {
    // Nothing carries the frames past these four layers, so their rounding would show in full.
    func linear(_ x: FloatMatrix, _ role: TensorRole) throws -> FloatMatrix {
      try compute.linear(x, weights.matrix(role), precision: .sixteenBits)
    }
    let hidden = try compute.layerNorm(
      linear(positionsFirst(x), .adapterProjection), weight: weights.vector(.adapterNorm),
      bias: weights.vector(.adapterNormBias), epsilon: 1e-5)
    compute.gelu(hidden)
    let gate = try linear(hidden, .adapterGate)
    try compute.gate(gate, linear(hidden, .adapterUp))
    return try linear(gate, .adapterDown)
  }

  /// `[frames, vision width * 64]` transposed to `[frames * 64, vision width]`.
  private func positionsFirst(_ x: FloatMatrix) -> FloatMatrix {
    let count = configuration.vision.pooledCount
    let width = configuration.vision.hiddenSize
    let result = FloatMatrix(rows: x.rows * count, columns: width)
    for row in 0..<result.rows {
      let (frame, position) = row.quotientAndRemainder(dividingBy: count)
      let source = x.pointer + frame * x.columns + position
      let target = result.pointer + row * width
      for channel in 0..<width { target[channel] = source[channel * count] }
    }
    return result
  }

  /// Puts the learned begin and end vectors around each frame's 64.
  ///
  /// - Parameter x: `[frames * 64, width]`.
  /// - Returns: `[frames * 66, width]`.
  package func framed(_ x: FloatMatrix) throws -> FloatMatrix {
    let vision = configuration.vision
    let width = configuration.hiddenSize
    let frameCount = x.rows / vision.pooledCount
    let edges = FloatMatrix(
      try weights.vector(.beginOfImage) + weights.vector(.endOfImage), rows: 2, columns: width)
    compute.round(edges)
    let result = FloatMatrix(rows: frameCount * vision.tokensPerFrame, columns: width)
    for frame in 0..<frameCount {
      let target = result.pointer + frame * vision.tokensPerFrame * width
      target.update(from: edges.pointer, count: width)
      (target + width).update(
        from: x.pointer + frame * vision.pooledCount * width, count: vision.pooledCount * width)
      (target + (vision.tokensPerFrame - 1) * width).update(from: edges.pointer + width, count: width)
    }
    return result
  }
}
