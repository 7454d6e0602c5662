import CogBase
import CogCompute
import CogModel
import Testing

struct PlainLinearTests {
  @Test(
    "A linear layer over plain weights is the product in double, within float32",
    arguments: [ElementType.bfloat16, .float16, .float32, .float64], [1, 2, 7, 30])
  func matchesDouble(type: ElementType, tokens: Int) throws {
    var random = SplitMix64(seed: 1)
    for (rows, columns) in [(1, 1), (5, 3), (17, 64), (100, 257), (33, 700)] {
      let x = random.normals(tokens * columns)
      let w = random.normals(rows * columns).map(roundedToBFloat16).map {
        type == .float16 ? Float(Float16($0)) : $0
      }
      let bias = random.normals(rows)
      var expected = product(x, w, tokens: tokens, rows: rows, columns: columns)
      for index in expected.indices { expected[index] += Double(bias[index % rows]) }
      for offset in [0, 1, 4] {
        let weight = try plainWeight(w, type: type, rows: rows, columns: columns, offset: offset)
        for kernels in KernelSet.available {
          let compute = Compute(mode: .float32, kernels: kernels)
          let layer = try Linear(weight, bias: bias, compute: compute)
          let result = layer(FloatMatrix(x, rows: tokens, columns: columns))
          #expect(result.rows == tokens && result.columns == rows)
          #expect(relativeL2(result.values, expected) < 5e-7, "\(kernels.name) [\(rows), \(columns)]")
        }
      }
    }
  }

  @Test(
    "bfloat16 mode rounds wider weights and the bias, sums in float32 and rounds once", arguments: [1, 9])
  func bfloat16(tokens: Int) throws {
    var random = SplitMix64(seed: 2)
    let (rows, columns) = (50, 300)
    let x = random.normals(tokens * columns).map(roundedToBFloat16)
    let w = random.normals(rows * columns)
    let bias = random.normals(rows)
    var expected = product(x, w.map(roundedToBFloat16), tokens: tokens, rows: rows, columns: columns)
    for index in expected.indices { expected[index] += Double(roundedToBFloat16(bias[index % rows])) }
    for (type, values) in [(ElementType.float32, w), (.float64, w), (.bfloat16, w.map(roundedToBFloat16))] {
      let weight = try plainWeight(values, type: type, rows: rows, columns: columns)
      for kernels in KernelSet.available {
        let compute = Compute(mode: .bfloat16, kernels: kernels)
        let layer = try Linear(weight, bias: bias, compute: compute)
        let result = layer(FloatMatrix(x, rows: tokens, columns: columns)).values
        let equal = zip(result, expected).count { $0 == roundedToBFloat16(Float($1)) }
        // A float32 sum that lies next to the middle of two bfloat16 numbers may fall to either side.
        #expect(Double(equal) >= 0.99 * Double(expected.count), "\(kernels.name) \(type): \(equal)")
        #expect(result.allSatisfy { $0 == roundedToBFloat16($0) })
      }
    }
  }
}
