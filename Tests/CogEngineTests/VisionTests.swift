import CogBase
import CogCompute
import CogEngine
import CogModel
import CogNative
import Foundation
import Testing

/// The stages of the vision part, each on random input beside a plain twin in double precision.
@Suite struct VisionTests {
  private let engine: Engine
  private let weights: WeightBinder

  init() throws {
    engine = try Engine(path: QuantizedModel.path("tiny"), mode: .float32)
    weights = WeightBinder(
      engine.file, configuration: engine.configuration, compute: engine.compute)
  }

  private var vision: VisionConfiguration { engine.configuration.vision }

  private func stage(_ point: TapPoint) throws -> Stage {
    try #require(engine.vision.stages.first { $0.point == point })
  }

  private func random(_ rows: Int, _ columns: Int) -> FloatMatrix {
    var random = SplitMix64(seed: UInt64(rows * columns))
    return FloatMatrix(
      (0..<rows * columns).map { _ in Float.random(in: -1...1, using: &random) }, rows: rows, columns: columns
    )
  }

  @Test("Patches are the naive convolution of the image, behind CLS, with positions added")
  func patchEmbedding() throws {
    let (size, patch, grid) = (vision.imageSize, vision.patchSize, vision.gridSize)
    let images = random(2, 3 * size * size)
    let result = try stage(.patchEmbedding).runIsolated(images)
    #expect(result.rows == 2 * vision.positionCount && result.columns == vision.hiddenSize)
    let weight = try weights.doubles(.patchProjection).rows
    let bias = try weights.doubleVector(.patchProjectionBias)
    let positions = try weights.doubles(.positionEmbedding).rows
    let cls = try weights.doubleVector(.classEmbedding)
    for (frame, cell) in [(0, 0), (0, 17), (1, 255)] {
      let (top, left) = (cell / grid * patch, cell % grid * patch)
      for output in [0, vision.hiddenSize - 1] {
        var sum = bias[output] + positions[cell + 1][output]
        for channel in 0..<3 {
          for y in 0..<patch {
            for x in 0..<patch {
              let pixel = images[frame, (channel * size + top + y) * size + left + x]
              sum += Double(pixel) * weight[output][(channel * patch + y) * patch + x]
            }
          }
        }
        let value = result[frame * vision.positionCount + cell + 1, output]
        #expect(abs(Double(value) - sum) < 1e-5 * max(1, abs(sum)), "\(frame) \(cell) \(output)")
      }
      let first = result[frame * vision.positionCount, 3]
      #expect(first == Float(cls[3]) + Float(positions[0][3]))
    }
  }

  @Test(
    "A vision layer adds the norms of attention and MLP, frame by frame, in double precision",
    arguments: [0, 2])
  func block(layer: Int) throws {
    // Five frames: a whole batch and a part of one.
    let x = random(5 * vision.positionCount, vision.hiddenSize)
    let result = try stage(.visionLayer(layer)).runIsolated(x)
    let twin = try Self.twin(DoubleMatrix(x.lastRows(vision.positionCount)), weights.layer(layer))
    #expect(twin.relativeL2(of: result.lastRows(vision.positionCount)) < 2e-6)
  }

  private static func twin(_ x: DoubleMatrix, _ w: WeightBinder) throws -> DoubleMatrix {
    let v = w.configuration.vision
    func norm(_ x: DoubleMatrix, _ weight: TensorRole, _ bias: TensorRole) throws -> DoubleMatrix {
      let (weight, bias) = (try w.doubleVector(weight), try w.doubleVector(bias))
      return x.mapRows { row in
        let mean = row.reduce(0, +) / Double(row.count)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
        let scale = 1 / (variance + Double(v.layerNormEpsilon)).squareRoot()
        return row.indices.map { (row[$0] - mean) * scale * weight[$0] + bias[$0] }
      }
    }
    func linear(_ x: DoubleMatrix, _ weight: TensorRole, _ bias: TensorRole) throws -> DoubleMatrix {
      try x.linear(w.doubles(weight), bias: w.doubleVector(bias))
    }
    let width = v.hiddenSize
    let fused = try linear(x, .visionQueryKeyValue, .visionQueryKeyValueBias).rows
    let context = plainAttention(
      fused.map { Array($0[..<width]) }, fused.map { Array($0[width..<2 * width]) },
      fused.map { Array($0[(2 * width)...]) },
      heads: AttentionHeads(count: v.headCount, keyValueCount: v.headCount, dimension: v.headDimension),
      isCausal: false)
    let hidden =
      try x
      + norm(
        linear(context, .visionAttentionOutput, .visionAttentionOutputBias), .visionAttentionNorm,
        .visionAttentionNormBias)
    let inner = try linear(hidden, .visionMLPIn, .visionMLPInBias).mapRows { row in
      row.map { $0 / 2 * erfc(-$0 / 2.0.squareRoot()) }
    }
    return try hidden
      + norm(linear(inner, .visionMLPOut, .visionMLPOutBias), .visionMLPNorm, .visionMLPNormBias)
  }

  @Test("The downsampling is the naive 2x2 convolution of the grid without CLS, channels outermost")
  func downsample() throws {
    let x = random(2 * vision.positionCount, vision.hiddenSize)
    let result = try stage(.convolution).runIsolated(x)
    let (width, grid) = (vision.hiddenSize, vision.gridSize)
    #expect(result.rows == 2 && result.columns == width * 64)
    let weight = try weights.doubles(.convolution).rows
    let bias = try weights.doubleVector(.convolutionBias)
    var expected = DoubleMatrix([])
    for frame in 0..<2 {
      expected.rows.append(
        (0..<width * 64).map { index in
          let (output, cell) = index.quotientAndRemainder(dividingBy: 64)
          var sum = bias[output]
          for corner in 0..<4 {
            let place = (cell / 8 * 2 + corner / 2) * grid + cell % 8 * 2 + corner % 2
            for channel in 0..<width {
              sum +=
                Double(x[frame * vision.positionCount + 1 + place, channel])
                * weight[output][channel * 4 + corner]
            }
          }
          return sum
        })
    }
    #expect(expected.relativeL2(of: result) < 1e-6)
  }

  @Test("The learned edges stand around each frame's vectors")
  func edges() throws {
    let width = engine.configuration.hiddenSize
    let x = random(2 * 64, width)
    let result = try stage(.vision).runIsolated(x)
    let (begin, end) = (try weights.vector(.beginOfImage), try weights.vector(.endOfImage))
    for frame in 0..<2 {
      #expect(Array(result.row(frame * 66)) == begin && Array(result.row(frame * 66 + 65)) == end)
      #expect(
        result.sharedRows(frame * 66 + 1..<frame * 66 + 65).values
          == x.sharedRows(frame * 64..<(frame + 1) * 64).values)
    }
  }
}
