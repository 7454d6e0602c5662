import CogCompute
import Testing

struct ActivationPrecisionTests {
  @Test("Sixteen bits round activations some hundred times more finely than eight, and leave NaN as it is")
  func finer() throws {
    var random = SeededGenerator(8)
    let twin = PanelTwin(rows: 48, columns: 200, groupSize: 64, isInt4: true, random: &random)
    var x = random.normals(5 * 200)
    let exact = product(x, twin.values, tokens: 5, rows: 48, columns: 200)
    for kernels in KernelSet.available {
      let compute = try Compute(mode: .fast, kernels: kernels)
      let input = FloatMatrix(x, rows: 5, columns: 200)
      let eight = try compute.linear(input, twin.weight(), precision: .eightBits)
      let sixteen = try compute.linear(input, twin.weight(), precision: .sixteenBits)
      #expect(relativeL2(eight.values, exact) > 1e-3)
      #expect(relativeL2(sixteen.values, exact) < 5e-5, "\(kernels.name)")
    }
    x[3 * 200 + 7] = .nan
    let result = try Compute(mode: .fast).linear(
      FloatMatrix(x, rows: 5, columns: 200), twin.weight(), precision: .sixteenBits)
    #expect((0..<5).map { result.row($0).allSatisfy(\.isNaN) } == [false, false, false, true, false])
  }
}
