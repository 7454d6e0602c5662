import CogBase
import CogCompute
import CogEngine
import CogModel
import CogNative
import Testing

@Suite struct SharedBeginningTests {
  /// Every layer's output for one prompt alone.
  private func alone(_ engine: Engine, _ ids: [Int]) throws -> [FloatMatrix] {
    var layers: [FloatMatrix] = []
    let input = ModelInput(
      ids: ids, tokenTypes: ids.map { _ in 0 }, positions: Array(ids.indices), features: nil)
    _ = try Session(engine, capacity: ids.count).prefill(input) { tap in
      if case .layer = tap.point { layers.append(tap.value) }
    }
    return layers
  }

  @Test(
    "Prompts that begin alike give what each of them gives alone",
    arguments: [([5, 6, 7, 8, 9], [[1, 2], [3], [4, 4, 4, 4]]), ([], [[9, 8, 7]])] as [([Int], [[Int]])])
  func sharing(beginning: [Int], rests: [[Int]]) throws {
    let engine = try Engine(path: QuantizedModel.path("tiny"), mode: .float32)
    let ids = beginning + rests.flatMap { $0 }
    let stages = engine.language.layers(
      beginning: Array(beginning.indices),
      rests: rests.map { Array(beginning.count..<beginning.count + $0.count) })
    let embeddings = try engine.language.embedding(
      ids: ids, tokenTypes: ids.map { _ in 0 }, features: nil)
    var pass = ForwardPass(stages, input: embeddings, context: RunContext())
    let expected = try rests.map { try alone(engine, beginning + $0) }
    #expect(stages.count == engine.configuration.layerCount)
    var layer = 0
    while let tap = try pass.advance() {
      var first = beginning.count
      for (rest, prompt) in zip(rests, expected) {
        let own = tap.value.sharedRows(first..<first + rest.count).values
        let twin = prompt[layer].lastRows(rest.count).values
        for (a, b) in zip(own, twin) { #expect(abs(a - b) <= 1e-4 * max(1, abs(b))) }
        let start = tap.value.sharedRows(0..<beginning.count).values
        for (a, b) in zip(start, prompt[layer].values) { #expect(abs(a - b) <= 1e-4 * max(1, abs(b))) }
        first += rest.count
      }
      layer += 1
    }
  }
}
