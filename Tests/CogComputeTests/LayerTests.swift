import CogBase
import CogCompute
import Foundation
import Testing

/// What layers are beyond their products: sizes, biases, precisions, and inputs that several share.
struct LinearTests {
  @Test("A bias of another size than the weight's is refused, and no token gives nothing")
  func sizes() throws {
    let weight = try plainWeight([Float](repeating: 1, count: 12), type: .float32, rows: 3, columns: 4)
    let compute = Compute(mode: .float32)
    #expect(throws: CogError.self) { try Linear(weight, bias: [1, 2], compute: compute) }
    #expect(try Linear(weight, compute: compute)(FloatMatrix(rows: 0, columns: 4)).count == 0)
  }

  @Test("Sixteen bits round activations some hundred times more finely than eight, and leave NaN as it is")
  func finer() throws {
    var random = SplitMix64(seed: 8)
    let twin = PanelTwin(rows: 48, columns: 200, groupSize: 64, isInt4: true, random: &random)
    var x = random.normals(5 * 200)
    let exact = product(x, twin.values, tokens: 5, rows: 48, columns: 200)
    for kernels in KernelSet.available {
      let compute = Compute(mode: .fast, kernels: kernels)
      let input = FloatMatrix(x, rows: 5, columns: 200)
      let eight = try Linear(twin.weight(), precision: .eightBits, compute: compute)(input)
      let sixteen = try Linear(twin.weight(), precision: .sixteenBits, compute: compute)(input)
      #expect(relativeL2(eight.values, exact) > 1e-3)
      #expect(relativeL2(sixteen.values, exact) < 5e-5, "\(kernels.name)")
    }
    x[3 * 200 + 7] = .nan
    let layer = try Linear(twin.weight(), precision: .sixteenBits, compute: Compute(mode: .fast))
    let result = layer(FloatMatrix(x, rows: 5, columns: 200))
    #expect((0..<5).map { result.row($0).allSatisfy(\.isNaN) } == [false, false, false, true, false])
  }

  @Test("A layer with sixteen bits adds its bias once, to the sum of both passes", arguments: [1, 5, 300])
  func sixteenBitsWithBias(tokens: Int) throws {
    var random = SplitMix64(seed: 9)
    let twin = PanelTwin(rows: 48, columns: 200, groupSize: 64, isInt4: true, random: &random)
    let bias = random.normals(48)
    let x = FloatMatrix(random.normals(tokens * 200), rows: tokens, columns: 200)
    for kernels in KernelSet.available {
      let compute = Compute(mode: .fast, kernels: kernels)
      let plain = try Linear(twin.weight(), precision: .sixteenBits, compute: compute)(x).values
      let biased = try Linear(twin.weight(), bias: bias, precision: .sixteenBits, compute: compute)(x).values
      #expect(biased == plain.enumerated().map { $1 + bias[$0 % 48] }, "\(kernels.name)")
    }
  }

  @Test(
    "Layers that share their input give what each gives alone",
    arguments: [ComputeMode.fast, .float32, .bfloat16], [1, 2, 35])
  func group(mode: ComputeMode, tokens: Int) throws {
    var random = SplitMix64(seed: UInt64(tokens))
    let twins = [(48, 64, true), (33, 64, true), (700, 64, false), (5, 32, true)].map {
      PanelTwin(rows: $0, columns: 200, groupSize: $1, isInt4: $2, random: &random)
    }
    let weights = try twins.map { ($0, try $0.weight()) }
    let x = FloatMatrix(random.normals(tokens * 200), rows: tokens, columns: 200)
    for kernels in KernelSet.available {
      let compute = Compute(mode: mode, kernels: kernels)
      // Three that share the groups of their input, then one that does not.
      for count in [1, 3, 4] {
        for precision in [ActivationPrecision.eightBits, .sixteenBits] {
          let layers = try weights[..<count].map { twin, weight in
            try Linear(
              weight, bias: twin.rows == 33 ? twin.values.prefix(33).map { $0 } : nil, precision: precision,
              compute: compute)
          }
          let together = try LinearGroup(layers)(x)
          #expect(together.map(\.values) == layers.map { $0(x).values }, "\(kernels.name), \(count)")
        }
      }
    }
  }

  @Test("A layer of other columns is refused beside one that fits")
  func groupOfOtherSizes() throws {
    var random = SplitMix64(seed: 1)
    let compute = Compute(mode: .fast)
    let layers = try [200, 208].map {
      try Linear(
        PanelTwin(rows: 16, columns: $0, groupSize: 64, isInt4: true, random: &random).weight(),
        compute: compute)
    }
    #expect(throws: CogError.self) { try LinearGroup(layers) }
  }
}

struct GatedMLPTests {
  private func layer(_ rows: Int, _ columns: Int, _ random: inout SplitMix64) throws -> (Linear, [Float]) {
    let values = random.normals(rows * columns, scale: 0.3)
    let weight = try plainWeight(values, type: .float32, rows: rows, columns: columns)
    return (try Linear(weight, compute: Compute(mode: .float32)), values)
  }

  @Test("A gated MLP is down(silu(gate(x)) * up(x))")
  func matchesDouble() throws {
    var random = SplitMix64(seed: 4)
    let (gate, gateValues) = try layer(20, 12, &random)
    let (up, upValues) = try layer(20, 12, &random)
    let (down, downValues) = try layer(12, 20, &random)
    let x = random.normals(3 * 12)
    let gates = product(x, gateValues, tokens: 3, rows: 20, columns: 12)
    let ups = product(x, upValues, tokens: 3, rows: 20, columns: 12)
    let hidden = zip(gates, ups).map { Float($0 / (1 + exp(-$0)) * $1) }
    let expected = product(hidden, downValues, tokens: 3, rows: 12, columns: 20)
    let result = try GatedMLP(gate: gate, up: up, down: down)(FloatMatrix(x, rows: 3, columns: 12))
    #expect(relativeL2(result.values, expected) < 1e-6)
  }

  @Test("Layers that do not fit one another are refused")
  func refuses() throws {
    var random = SplitMix64(seed: 5)
    let (gate, _) = try layer(20, 12, &random)
    let (up, _) = try layer(18, 12, &random)
    let (down, _) = try layer(12, 20, &random)
    let (other, _) = try layer(12, 18, &random)
    let (wide, _) = try layer(20, 13, &random)
    #expect(throws: CogError.self) { try GatedMLP(gate: gate, up: up, down: down) }
    #expect(throws: CogError.self) { try GatedMLP(gate: gate, up: gate, down: other) }
    #expect(throws: CogError.self) { try GatedMLP(gate: gate, up: wide, down: down) }
  }
}

struct WindowConvolutionTests {
  /// Three output channels over windows of 2 rows and 3 columns.
  private let outputs = 3, channels = 4, height = 2, width = 3
  /// Two images of 4 rows and 6 columns, in planes.
  private let images = 2, rows = 4, columns = 6

  /// `torch.nn.Conv2d` as its definition has it: `[images * windows, outputs]`.
  private func naive(_ x: [Float], _ weight: [Float], _ bias: [Float]) -> [Double] {
    var result: [Double] = []
    for image in 0..<images {
      for top in stride(from: 0, to: rows, by: height) {
        for left in stride(from: 0, to: columns, by: width) {
          for output in 0..<outputs {
            var sum = Double(bias[output])
            for channel in 0..<channels {
              for y in 0..<height {
                for column in 0..<width {
                  let pixel = x[((image * channels + channel) * rows + top + y) * columns + left + column]
                  let factor = weight[((output * channels + channel) * height + y) * width + column]
                  sum += Double(pixel) * Double(factor)
                }
              }
            }
            result.append(sum)
          }
        }
      }
    }
    return result
  }

  @Test("A convolution of windows is the naive one, over planes and over grids of positions")
  func matchesNaive() throws {
    var random = SplitMix64(seed: 6)
    let x = random.normals(images * channels * rows * columns)
    let values = random.normals(outputs * channels * height * width)
    let bias = random.normals(outputs)
    let weight = try plainWeight(
      values, type: .float32, rows: outputs, columns: channels * height * width)
    let convolution = try WindowConvolution(
      weight, shape: [outputs, channels, height, width], bias: bias, compute: Compute(mode: .float32))
    let expected = naive(x, values, bias)
    let planes = FloatMatrix(x, rows: images, columns: channels * rows * columns)
    #expect(relativeL2(convolution(planes: planes, rows: rows, columns: columns).values, expected) < 1e-6)
    let grids = (0..<images).map { image in
      let grid = FloatMatrix(rows: rows * columns, columns: channels)
      planes.sharedRows(image..<image + 1).reshaped(rows: channels, columns: rows * columns)
        .transpose(into: grid)
      return grid
    }
    #expect(relativeL2(convolution(grids: grids, columns: columns).values, expected) < 1e-6)
  }

  @Test("A shape that is not the weight's is refused", arguments: [[3, 24], [3, 4, 2, 2], [4, 4, 2, 3]])
  func refuses(shape: [Int]) throws {
    let weight = try plainWeight([Float](repeating: 0, count: 72), type: .float32, rows: 3, columns: 24)
    #expect(throws: CogError.self) {
      try WindowConvolution(weight, shape: Shape(shape), bias: nil, compute: Compute(mode: .float32))
    }
  }
}

struct MatrixSliceTests {
  @Test("Columns, rows and other shapes of a matrix are places in the same memory")
  func places() {
    let matrix = FloatMatrix((0..<12).map(Float.init), rows: 3, columns: 4)
    let target = FloatMatrix(rows: 4, columns: 2)
    target.store(matrix.columns(1..<3), at: 1)
    #expect(target.values == [0, 0, 1, 2, 5, 6, 9, 10])
    #expect(matrix.lastRows(1).values == [8, 9, 10, 11])
    matrix.reshaped(rows: 6, columns: 2)[5, 1] = -1
    #expect(matrix[2, 3] == -1)
    let transposed = FloatMatrix(rows: 4, columns: 3)
    matrix.transpose(into: transposed)
    #expect(transposed.values == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, -1])
  }
}
