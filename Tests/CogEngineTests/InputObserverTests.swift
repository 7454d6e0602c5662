import CogBase
import CogCompute
import CogEngine
import CogModel
import CogNative
import CogText
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
    try run(
      engine.configuration, vision: engine.vision, language: engine.language,
      prompt: engine.prompt(frameCount: 1, query: "What moves?"))
  }

  /// The logits after a prompt about one picture.
  private func run(
    _ configuration: ModelConfiguration, vision: VisionTower, language: LanguageModel, prompt: Prompt
  ) throws -> [Float] {
    let count = 3 * configuration.vision.imageSize * configuration.vision.imageSize
    let image = FloatMatrix((0..<count).map { Float($0 % 97) / 50 - 1 }, rows: 1, columns: count)
    let input = ModelInput(
      ids: prompt.ids, tokenTypes: prompt.tokenTypes, positions: prompt.positions,
      features: try vision.forward(image))
    return try Session(language, capacity: prompt.count + 1).prefill(input, tap: { _ in }).values
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

  @Test("Being observed changes no bit, with any number of threads", arguments: ["tiny", "sample"])
  func sameBits(_ model: String) throws {
    let file = try NativeFile(path: QuantizedModel.path(model))
    func logits(threads: Int, observer: Notes?) throws -> [Float] {
      let context = RunContext(threads: ThreadPool(threadCount: threads))
      let compute = Compute(
        mode: .fast, kernels: context.kernels, threads: context.threads, isReproducible: true)
      let weights = WeightBinder(
        file, configuration: file.configuration, compute: compute, observer: observer)
      return try run(
        file.configuration, vision: VisionTower(weights, context: context),
        language: LanguageModel(weights, context: context),
        prompt: Engine(file: file).prompt(frameCount: 1, query: "What moves?"))
    }
    let alone = try logits(threads: 1, observer: nil)
    for count in 1...3 {
      #expect(try logits(threads: count, observer: Notes()) == alone, "\(count) threads")
      #expect(try logits(threads: count, observer: nil) == alone, "\(count) threads, not observed")
    }
  }
}
