import CogBase
import CogCompute
import Testing

struct GELUMLPTests {
  /// Inner and outer sizes with padding, short last groups and panels, rows too long to be chained, and other
  /// encodings.
  private static let sizes: [(inner: Int, columns: Int, outer: Int, groupSize: Int)] = [
    (64, 64, 16, 64), (300, 200, 33, 64), (1_000, 1_792, 40, 64), (129, 7_168, 16, 64), (70, 7_232, 16, 64),
    (200, 129, 20, 32),
  ]

  @Test("Linear layers with a GELU between give the bits of one after the other, in every instruction set")
  func sameBits() throws {
    var random = SplitMix64(seed: 21)
    for (inner, columns, outer, groupSize) in Self.sizes {
      let first = PanelTwin(
        rows: inner, columns: columns, groupSize: groupSize, isInt4: true, random: &random)
      let second = PanelTwin(rows: outer, columns: inner, groupSize: groupSize, isInt4: true, random: &random)
      let biases = (random.normals(inner), random.normals(outer))
      for tokens in [1, 31, 44, 65, 220] {
        let x = FloatMatrix(random.normals(tokens * columns, scale: 0.1), rows: tokens, columns: columns)
        for kernels in KernelSet.available {
          for hasBias in [true, false] {
            let compute = Compute(mode: .fast, kernels: kernels)
            let fc1 = try Linear(first.weight(), bias: hasBias ? biases.0 : nil, compute: compute)
            let fc2 = try Linear(second.weight(), bias: hasBias ? biases.1 : nil, compute: compute)
            let features = fc1(x)
            compute.gelu(features)
            let expected = fc2(features)
            let result = try GELUMLP(fc1: fc1, fc2: fc2)(x)
            let isEqual = result.values == expected.values
            #expect(
              isEqual, "\(kernels.name), \(tokens) tokens, [\(inner), \(columns)], [\(outer), \(inner)]")
          }
        }
      }
    }
  }

  @Test("What is not finite stays with its token")
  func notFinite() throws {
    var random = SplitMix64(seed: 22)
    let first = PanelTwin(rows: 256, columns: 128, groupSize: 64, isInt4: true, random: &random)
    let second = PanelTwin(rows: 32, columns: 256, groupSize: 64, isInt4: true, random: &random)
    var x = random.normals(40 * 128)
    x[17 * 128 + 5] = .infinity
    for kernels in KernelSet.available {
      let compute = Compute(mode: .fast, kernels: kernels)
      let mlp = try GELUMLP(
        fc1: Linear(first.weight(), compute: compute), fc2: Linear(second.weight(), compute: compute))
      let result = mlp(FloatMatrix(x, rows: 40, columns: 128))
      let hurt = (0..<40).filter { !result.row($0).allSatisfy(\.isFinite) }
      #expect(hurt == [17], "\(kernels.name)")
      #expect(result.row(17).filter(\.isNaN).count == 32, "\(kernels.name)")
    }
  }

  @Test("Layers that do not fit one another are refused", arguments: [ComputeMode.fast, .float32])
  func refuses(mode: ComputeMode) throws {
    var random = SplitMix64(seed: 23)
    let first = PanelTwin(rows: 64, columns: 128, groupSize: 64, isInt4: true, random: &random)
    let second = PanelTwin(rows: 32, columns: 72, groupSize: 64, isInt4: true, random: &random)
    let compute = Compute(mode: mode)
    let fc1 = try Linear(first.weight(), compute: compute)
    let fc2 = try Linear(second.weight(), compute: compute)
    #expect(throws: CogError.self) { try GELUMLP(fc1: fc1, fc2: fc2) }
  }
}
