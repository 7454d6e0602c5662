import CogBase
import CogCompute
import CogEngine
import CogNative
import CogTestSupport
import Testing

@Suite struct SessionTests {
  private func input(_ engine: Engine, _ query: String) throws -> ModelInput {
    ModelInput(try engine.prompt(frameCount: 0, query: query), features: nil)
  }

  @Test("Tokens fed one by one onto the cache give the logits of one prefill")
  func cache() throws {
    let engine = try Engine(path: QuantizedModel.path("sample"), mode: .float32)
    let whole = try input(engine, "Which way does the circle move?")
    let expected = try Session(engine).prefill(whole)
    let session = try Session(engine)
    var logits = try session.prefill(
      ModelInput(ids: [whole.ids[0]], tokenTypes: [0], positions: [0], features: nil))
    for id in whole.ids.dropFirst() { logits = try session.step(id) }
    for (a, b) in zip(logits.values, expected.values) { #expect(abs(a - b) <= 1e-3 * max(1, abs(b))) }
  }

  @Test(
    "A prompt's logits, and the cache that it leaves, are the same whether or not its layers are looked at"
  )
  func withoutTaps() throws {
    let engine = try Engine(path: QuantizedModel.path("sample"), mode: .float32)
    let whole = try input(engine, "Which way does the circle move?")
    let (plain, tapped) = (try Session(engine), try Session(engine))
    var rows: [Int] = []
    let expected = try tapped.prefill(whole) { if case .layer = $0.point { rows.append($0.value.rows) } }
    #expect(rows == Array(repeating: whole.ids.count, count: engine.configuration.layerCount))
    for (a, b) in zip(try plain.prefill(whole).values, expected.values) {
      #expect(abs(a - b) <= 1e-4 * max(1, abs(b)))
    }
    for (a, b) in zip(try plain.step(whole.ids[1]).values, try tapped.step(whole.ids[1]).values) {
      #expect(abs(a - b) <= 1e-4 * max(1, abs(b)))
    }
  }

  @Test(
    "The last token's output alone is the last row of all outputs",
    arguments: [ComputeMode.fast, .float32])
  func lastOnly(mode: ComputeMode) throws {
    let engine = try Engine(path: QuantizedModel.path("tiny"), mode: mode)
    let ids = Array(1...20)
    func lastLayer(lastOnly: Bool) throws -> FloatMatrix {
      let input = ModelInput(
        ids: ids, tokenTypes: Array(repeating: 0, count: 20), positions: Array(0..<20), features: nil)
      var pass = try Session(engine, capacity: 20).begin(input, lastOnly: lastOnly)
      var value: FloatMatrix?
      _ = try pass.run { if $0.point == .layer(engine.configuration.layerCount - 1) { value = $0.value } }
      return try #require(value)
    }
    let (all, last) = (try lastLayer(lastOnly: false), try lastLayer(lastOnly: true))
    #expect(all.rows == 20 && last.rows == 1)
    let largest = all.row(19).map(abs).max() ?? 0
    for (a, b) in zip(last.values, all.row(19)) {
      #expect(abs(a - b) <= largest * (mode == .fast ? 3e-3 : 1e-6))
    }
  }

  @Test("An answer ends with the context, and says so")
  func fullContext() throws {
    let engine = try Engine(path: QuantizedModel.path("tiny"), mode: .fast)
    let prompt = try input(engine, "What?")
    let session = try Session(engine, capacity: prompt.ids.count + 3)
    let logits = try session.prefill(prompt)
    let answer = try session.generate(from: logits, maximumNewTokens: 100, endOfText: [])
    #expect(answer.ending == .context)
    #expect(answer.ids.count == 4)
  }

  @Test("Generated tokens go on from the prompt's last position, whatever the number of its tokens")
  func positions() throws {
    let engine = try Engine(path: QuantizedModel.path("tiny"), mode: .float32)
    func input(_ ids: [Int], _ positions: [Int]) -> ModelInput {
      ModelInput(
        ids: ids, tokenTypes: Array(repeating: 0, count: ids.count), positions: positions, features: nil)
    }
    // Vision tokens of a frame share a position.
    let session = try Session(engine)
    _ = try session.prefill(input([3, 4, 5, 6], [0, 1, 1, 2]))
    _ = try session.step(7)
    let logits = try session.step(8).values
    let right = try Session(engine).prefill(input([3, 4, 5, 6, 7, 8], [0, 1, 1, 2, 3, 4])).values
    let wrong = try Session(engine).prefill(input([3, 4, 5, 6, 7, 8], [0, 1, 1, 2, 4, 5])).values
    func distance(_ other: [Float]) -> Float { zip(logits, other).map { abs($0 - $1) }.max() ?? 0 }
    #expect(distance(right) * 100 < distance(wrong))
  }

  @Test("A session that forgets a part of its answer goes on as if it had never made it")
  func truncate() throws {
    let engine = try Engine(path: QuantizedModel.path("sample"), mode: .fast)
    let prompt = try input(engine, "Which way does the circle move?")
    let session = try Session(engine, capacity: prompt.ids.count + 4)
    _ = try session.prefill(prompt)
    let first = try session.step(5)
    let second = try session.step(6).values
    _ = try session.step(7)
    #expect(session.generatedCount == 3 && session.remaining == 1)
    session.truncate(toGenerated: 1)
    #expect(session.generatedCount == 1)
    #expect(try session.step(6).values == second)
    session.truncate(toGenerated: 0)
    #expect(try session.step(5).values == first.values)
  }

  @Test("A prompt that is longer than the cache is refused")
  func longPrompt() throws {
    let engine = try Engine(path: QuantizedModel.path("tiny"), mode: .fast)
    let prompt = try input(engine, "What happens in the video?")
    #expect(throws: CogError.self) { try Session(engine, capacity: 3).prefill(prompt) }
    #expect(throws: CogError.self) { try Session(engine, capacity: engine.configuration.contextLength + 1) }
  }

  @Test("Ids and features that do not fit the model are refused")
  func wrongInput() throws {
    let engine = try Engine(path: QuantizedModel.path("tiny"), mode: .float32)
    let embedding = engine.language.embedding
    #expect(throws: CogError.self) { try embedding(ids: [4096], tokenTypes: [0], features: nil) }
    #expect(throws: CogError.self) { try embedding(ids: [-1], tokenTypes: [0], features: nil) }
    #expect(throws: CogError.self) { try embedding(ids: [5], tokenTypes: [1], features: nil) }
    #expect(throws: CogError.self) { try engine.vision.forward(FloatMatrix(rows: 1, columns: 12)) }
    #expect(throws: CogError.self) {
      try Session(engine).prefill(ModelInput(ids: [], tokenTypes: [], positions: [], features: nil))
    }
  }
}
