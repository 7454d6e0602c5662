import CogBase
import CogCompute
import CogNative
import Testing

struct PlainLinearTests {
  @Test(
    "A linear layer over plain weights is the product in double, within float32",
    arguments: [ElementType.bfloat16, .float16, .float32, .float64], [1, 2, 7, 30])
  func matchesDouble(type: ElementType, tokens: Int) throws {
    var random = SeededGenerator(1)
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
          let compute = try Compute(mode: .float32, kernels: kernels)
          let result = try compute.linear(FloatMatrix(x, rows: tokens, columns: columns), weight, bias: bias)
          #expect(result.rows == tokens && result.columns == rows)
          #expect(relativeL2(result.values, expected) < 5e-7, "\(kernels.name) [\(rows), \(columns)]")
        }
      }
    }
  }
}
