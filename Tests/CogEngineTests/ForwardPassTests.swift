import CogBase
import CogCompute
import CogEngine
import CogModel
import Synchronization
import Testing

@Suite struct ForwardPassTests {
  private struct Stopped: Error {}

  /// Stops at the question with a number, counted from 1.
  private final class StopAt: Cancellation {
    private let questions = Mutex(0)
    private let last: Int

    init(_ last: Int) { self.last = last }

    func check() throws {
      let number = questions.withLock { count in
        count += 1
        return count
      }
      if number == last { throw Stopped() }
    }
  }

  private final class Units: ProgressTask {
    let details = Mutex<[String]>([])

    func advance(by units: Int, _ detail: @autoclosure () -> String) {
      let text = detail()
      details.withLock { $0.append("\(units) \(text)") }
    }
    func finish() {}
  }

  private func context(_ cancellation: any Cancellation = NeverCancelled()) throws -> RunContext {
    RunContext(cancellation: cancellation)
  }

  /// Stages that add 1, 10 and 100.
  private let stages = [(TapPoint.layer(0), Float(1)), (.layer(1), 10), (.finalNorm, 100)].map {
    point, amount in
    Stage(point) { x in FloatMatrix(x.values.map { $0 + amount }, rows: x.rows, columns: x.columns) }
  }

  private var zero: FloatMatrix { FloatMatrix(rows: 1, columns: 1) }

  @Test("Each stage runs once on what the one before gave, and is tapped and counted in order")
  func order() throws {
    let units = Units()
    var pass = ForwardPass(stages, input: zero, context: try context(), progress: units)
    var taps: [(TapPoint, Float)] = []
    let result = try pass.run { taps.append(($0.point, $0.value[0, 0])) }
    #expect(result[0, 0] == 111)
    #expect(taps.map(\.0) == [.layer(0), .layer(1), .finalNorm] && taps.map(\.1) == [1, 11, 111])
    #expect(units.details.withLock { $0 } == ["1 model.layers.0", "1 model.layers.1", "1 model.norm"])
    #expect(try pass.advance() == nil)
  }

  @Test("A cancelled pass runs no further stage, and can be gone on with")
  func cancellation() throws {
    var pass = ForwardPass(stages, input: zero, context: try context(StopAt(2)))
    #expect(throws: Stopped.self) { _ = try pass.run() }
    #expect(pass.value[0, 0] == 1)
    #expect(try pass.run()[0, 0] == 111)
  }

  @Test("What a tap throws ends the pass")
  func tapThrows() throws {
    var pass = ForwardPass(stages, input: zero, context: try context())
    #expect(throws: Stopped.self) { _ = try pass.run { if $0.point == .layer(1) { throw Stopped() } } }
    #expect(pass.value[0, 0] == 11)
  }

  @Test(
    "A stage that runs on another input leaves the pass and its cache alone", arguments: ComputeMode.allCases)
  func isolated(mode: ComputeMode) throws {
    let engine = try Engine(path: QuantizedModel.path("tiny"), mode: mode)
    let input = ModelInput(
      ids: [5, 6, 7], tokenTypes: [0, 0, 0], positions: [0, 1, 2], features: nil)
    let (plain, disturbed) = (try Session(engine, capacity: 4), try Session(engine, capacity: 4))
    let expected = try plain.prefill(input) { _ in }.values
    let other = try engine.language.embedding(ids: [9, 8], tokenTypes: [0, 0], features: nil)
    var isolated: FloatMatrix?
    let logits = try disturbed.prefill(input) { tap in
      if case .layer = tap.point { isolated = tap.stage.runIsolated(other) }
    }
    #expect(logits.values == expected)
    #expect(isolated?.rows == 2)
    #expect(disturbed.remaining == 1)
    #expect(try disturbed.step(3).values == plain.step(3).values)
  }

  @Test("A prompt that was cancelled between two layers can be read again")
  func readAgain() throws {
    let path = try QuantizedModel.path("tiny")
    let input = ModelInput(
      ids: [5, 6, 7], tokenTypes: [0, 0, 0], positions: [0, 1, 2], features: nil)
    let plain = try Session(Engine(path: path), capacity: 3).prefill(input).values
    let session = try Session(Engine(path: path, context: context(StopAt(2))), capacity: 3)
    #expect(throws: Stopped.self) { _ = try session.prefill(input) }
    #expect(try session.prefill(input).values == plain)
  }
}
