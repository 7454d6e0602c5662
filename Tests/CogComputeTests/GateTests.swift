import CogBase
import CogCompute
import Testing

struct GateTests {
  @Test(
    "A gate is silu and then a product, each rounded once", arguments: [ComputeMode.float32, .bfloat16])
  func gate(mode: ComputeMode) throws {
    var random = SplitMix64(seed: 3)
    func rounded(_ value: Float) -> Float { mode == .bfloat16 ? roundedToBFloat16(value) : value }
    let x = random.normals(7 * 9001, scale: 4)
    let y = random.normals(7 * 9001)
    func gated(by factors: [Float], _ compute: Compute) -> [Float] {
      let result = FloatMatrix(x, rows: 7, columns: 9001)
      compute.gate(result, by: FloatMatrix(factors, rows: 7, columns: 9001))
      return result.values
    }
    for kernels in KernelSet.available {
      let plain = Compute(mode: .float32, kernels: kernels)
      let silu = gated(by: Array(repeating: 1, count: x.count), plain)
      let result = gated(by: y, Compute(mode: mode, kernels: kernels))
      #expect(result == zip(silu, y).map { rounded(rounded($0) * $1) }, "\(kernels.name)")
    }
  }
}
