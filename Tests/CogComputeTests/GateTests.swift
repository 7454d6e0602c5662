import CogCompute
import Testing

struct GateTests {
  @Test(
    "A gate is silu and then a product, with the same roundings", arguments: [ComputeMode.float32, .bfloat16])
  func gate(mode: ComputeMode) throws {
    var random = SeededGenerator(3)
    let compute = try Compute(mode: mode)
    let x = random.normals(7 * 9001, scale: 4)
    let y = FloatMatrix(random.normals(7 * 9001), rows: 7, columns: 9001)
    let (gated, expected) = (
      FloatMatrix(x, rows: 7, columns: 9001), FloatMatrix(x, rows: 7, columns: 9001)
    )
    compute.gate(gated, y)
    compute.silu(expected)
    compute.multiply(expected, by: y)
    #expect(gated.values == expected.values)
  }
}
