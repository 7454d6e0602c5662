import CogBase
import CogCompute
import CogEngine
import CogModel
import CogNative
import Synchronization
import Testing

/// Notes what it is shown.
private final class Notes: InputObserver {
  let seen = Mutex<[(name: String, rows: Int, columns: Int)]>([])

  func observe(_ input: FloatMatrix, of name: String) {
    seen.withLock { $0.append((name, input.rows, input.columns)) }
  }
}

@Suite struct InputObserverTests {
  private func run(_ engine: Engine) throws -> [Float] {
    let configuration = engine.configuration
    let count = 3 * configuration.vision.imageSize * configuration.vision.imageSize
    let image = FloatMatrix((0..<count).map { Float($0 % 97) / 50 - 1 }, rows: 1, columns: count)
    let features = try engine.vision.forward(image)
    let prompt = try engine.prompt(frameCount: 1, query: "What moves?")
    let input = ModelInput(
      ids: prompt.ids, tokenTypes: prompt.tokenTypes, positions: prompt.positions, features: features)
    return try Session(engine, capacity: prompt.count + 1).prefill(input, tap: { _ in }).values
  }

  @Test(
    "An observer is shown the input of every linear layer once, shared ones under the first name",
    arguments: [ComputeMode.fast, .float32])
  func names(_ mode: ComputeMode) throws {
    let file = try NativeFile(path: QuantizedModel.path("tiny"))
    let notes = Notes()
    _ = try run(Engine(file: file, mode: mode, observer: notes))
    let expected = TensorTable(file.configuration).specifications.filter {
      $0.role.isMatrix && $0.role != .tokenEmbedding && $0.role.inputRole == $0.role
    }
    let seen = notes.seen.withLock { $0 }
    #expect(seen.map(\.name).sorted() == expected.map(\.name).sorted())
    for entry in seen {
      let shape = try #require(expected.first { $0.name == entry.name }).shape
      #expect(entry.columns == shape.columns, "\(entry.name)")
    }
    #expect(seen.last?.rows == 1, "the head is asked about the last token")
  }

  @Test("Being observed changes no bit", arguments: ["tiny", "sample"])
  func sameBits(_ model: String) throws {
    let file = try NativeFile(path: QuantizedModel.path(model))
    let alone = try run(Engine(file: file, mode: .fast))
    #expect(try run(Engine(file: file, mode: .fast, observer: Notes())) == alone)
  }
}
