import CogTestSupport
import CogVLM
import Foundation
import Synchronization
import Testing

@Suite struct FaceTests {
  private static let checkpoint = Checkpoint(path: Fixtures.path("sample/checkpoint"))
  private static let video = Video(path: Fixtures.path("sample/videos/v22_h264.mp4"))
  private static let question = "Which way does the circle move?"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func converted() async throws -> Model {
    try await Self.checkpoint.convert(to: folder.path("model.cogvlm"))
    return try await Model(path: folder.path("model.cogvlm"))
  }

  @Test("A model that was converted answers about a video, whole and in pieces, and remembers")
  func answers() async throws {
    let model = try await converted()
    #expect(model.arithmetic == .bfloat16 && model.template == .chat && !model.isQuantized)
    let features = try await model.encode(Self.video)
    #expect(features.frames.count == 3 && features.frames[0].seconds == 0)
    #expect(features.frames.map(\.index) == [0, 15, 29])
    let conversation = try Conversation(with: model, about: features)
    let answer = try await conversation.answer(Self.question)
    #expect(answer.text == "up" && answer.isComplete && answer.tokens == 2)
    #expect(conversation.history == [.init(question: Self.question, answer: "up")])
    let other = try Conversation(with: model, about: features)
    var pieces: [String] = []
    for try await piece in other.ask(Self.question) { pieces.append(piece) }
    #expect(pieces.joined() == "up")
    #expect(other.history == conversation.history)
    let next = try await other.answer("What color is the circle?")
    #expect(next.promptTokens > answer.promptTokens)
  }

  @Test("A quantized file is smaller, says what it lost, and opens in fast arithmetic")
  func quantizes() async throws {
    let progress = Mutex<[RunProgress]>([])
    let options = RunOptions(threads: 2) { step in progress.withLock { $0.append(step) } }
    var recipe = QuantizationRecipe(preset: .int4Fine)
    recipe.exceptions = ["model.layers.0.*=int8/64"]
    let path = folder.path("small.cogvlm")
    let result = try await Self.checkpoint.quantize(to: path, recipe: recipe, options: options)
    let encodings = Set(result.tensors.map(\.encoding))
    #expect(encodings.isSuperset(of: ["int4/32", "int8/64", "BF16"]))
    #expect(result.tensors.contains { $0.relativeError > 0.01 } && result.warnings.isEmpty)
    #expect(try Data(contentsOf: URL(filePath: path)).count == result.byteCount)
    #expect(progress.withLock { $0.map(\.fraction).max() } == 1)
    let model = try await Model(path: path, options: options)
    #expect(model.isQuantized && model.arithmetic == .fast)
  }

  @Test("A checkpoint is inspected, and verified against PyTorch once converted")
  func inspectsAndVerifies() async throws {
    let inspection = try await Self.checkpoint.inspect(checkingValues: true)
    #expect(inspection.isComplete == true && inspection.problems == [])
    #expect(inspection.tensors.first { $0.name == "lm_head.weight" }?.shape == [4096, 256])
    #expect(inspection.metadata["config.hidden_size"] == "256")
    let bundle = Fixtures.path("sample/references/v22_h264-direction.bf16.safetensors")
    let verification = try await converted().verify(against: bundle)
    #expect(verification.passed && verification.firstAtFault == nil && verification.answer == " up")
    #expect(verification.layers.count == 14 && verification.layers.last?.name == "lm_head")
    #expect(verification.layers.allSatisfy { $0.accumulatedError < 1.5e-2 })
  }

  @Test("Errors have a code, the file and one line of words")
  func errors() async throws {
    let path = folder.path("missing")
    var error = await #expect(throws: CogVLMError.self) { _ = try await Model(path: path) }
    #expect(error?.code == .notFound && error?.file == path)
    #expect(error?.description.hasPrefix("\(path): ") == true)
    error = await #expect(throws: CogVLMError.self) { _ = try await Checkpoint(path: path).inspect() }
    #expect(error?.code == .notFound)
    error = await #expect(throws: CogVLMError.self) {
      try await Self.checkpoint.quantize(
        to: self.folder.path("x.cogvlm"), recipe: QuantizationRecipe(exceptions: ["no encoding"]))
    }
    #expect(error?.code == .invalid)
    for threads in [0, 1025, Int.max] {
      error = await #expect(throws: CogVLMError.self) {
        _ = try await Self.checkpoint.inspect(options: RunOptions(threads: threads))
      }
      #expect(error?.description.contains("threads") == true)
    }
    #expect(try folder.contents() == [])
  }

  @Test("The features of one model are not taken by another")
  func otherModel() async throws {
    let first = try await converted()
    let second = try await Model(path: folder.path("model.cogvlm"))
    let features = try await first.encode(Self.video)
    #expect(throws: CogVLMError.self) { _ = try Conversation(with: second, about: features) }
    let conversation = try Conversation(with: first, about: features)
    await #expect(throws: CogVLMError.self) {
      _ = try await conversation.answer(String(repeating: "long ", count: 4000))
    }
    #expect(conversation.history == [])
  }

  @Test("The base template is told of no earlier turns, so that it goes on with any number of texts")
  func base() async throws {
    let model = try await converted()
    let conversation = try Conversation(with: model, template: .base)
    let options = AnswerOptions(maximumTokens: 4)
    let first = try await conversation.answer("The circle moves", options: options)
    #expect(try await conversation.answer("The circle moves", options: options).text == first.text)
    #expect(conversation.history == [])
  }

  @Test("A conversation forgets on demand, and no answer has no tokens")
  func forgets() async throws {
    let model = try await converted()
    let conversation = try Conversation(with: model)
    let options = AnswerOptions(maximumTokens: 4)
    let first = try await conversation.answer("What color is the circle?", options: options)
    for count in [0, -1] {
      await #expect(throws: CogVLMError.self) {
        _ = try await conversation.answer("What?", options: AnswerOptions(maximumTokens: count))
      }
    }
    #expect(conversation.history.count == 1)
    conversation.forget()
    #expect(conversation.history == [])
    let again = try await conversation.answer("What color is the circle?", options: options)
    #expect(again.text == first.text && again.promptTokens == first.promptTokens)
  }

  @Test("A call that waits for its turn ends as soon as it is cancelled", .timeLimit(.minutes(2)))
  func cancelledWhileWaiting() async throws {
    let model = try await converted()
    let (first, second) = (try Conversation(with: model), try Conversation(with: model))
    let options = AnswerOptions(maximumTokens: 4)
    let (began, told) = AsyncStream.makeStream(of: Void.self)
    let gate = DispatchSemaphore(value: 0)
    let working = Task {
      try await first.answer("What color is the circle?", options: options) { _ in
        told.yield()
        gate.wait()
        gate.signal()
      }
    }
    for await _ in began { break }
    let waiting = Task { try await second.answer("What?", options: options) }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { _ = try await waiting.value }
    #expect(first.history == [] && second.history == [])
    gate.signal()
    #expect(try await !working.value.text.isEmpty && first.history.count == 1)
  }

  @Test("A task that is cancelled stops the work, and nothing is left of the output")
  func cancellation() async throws {
    let model = try await converted()
    let video = try await model.encode(Self.video)
    let conversation = try Conversation(with: model, about: video)
    let work = Task {
      // Cancelled before it begins, whatever the machine's speed.
      withUnsafeCurrentTask { $0?.cancel() }
      return try await conversation.answer(Self.question)
    }
    await #expect(throws: CancellationError.self) { _ = try await work.value }
    #expect(conversation.history == [])
    let conversion = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await Self.checkpoint.quantize(to: folder.path("none.cogvlm"))
    }
    await #expect(throws: CancellationError.self) { _ = try await conversion.value }
    #expect(try folder.contents() == ["model.cogvlm"])
    // The model is as good as before.
    #expect(try await conversation.answer(Self.question).text == "up")
  }

  @Test("Work that was stopped goes on where it was, to the same bytes")
  func resumes() async throws {
    let (whole, path) = (folder.path("whole.cogvlm"), folder.path("resumed.cogvlm"))
    try await Self.checkpoint.quantize(to: whole)
    let task = Mutex<Task<ConversionResult, any Error>?>(nil)
    let options = RunOptions(threads: 1) { step in
      if step.fraction > 0.3 { task.withLock { $0?.cancel() } }
    }
    let work = Task { [checkpoint = Self.checkpoint] in
      while task.withLock({ $0 == nil }) { await Task.yield() }
      return try await checkpoint.quantize(to: path, options: options)
    }
    task.withLock { $0 = work }
    await #expect(throws: CancellationError.self) { _ = try await work.value }
    #expect(!FileManager.default.fileExists(atPath: path))
    // Another recipe would give other bytes: it is refused by name.
    let error = await #expect(throws: CogVLMError.self) {
      try await Self.checkpoint.quantize(
        to: path, recipe: QuantizationRecipe(preset: .int8), resuming: true)
    }
    #expect(error?.description.contains("recipe") == true)
    try await Self.checkpoint.quantize(to: path, resuming: true)
    #expect(try Data(contentsOf: URL(filePath: path)) == Data(contentsOf: URL(filePath: whole)))
    #expect(try folder.contents() == ["resumed.cogvlm", "whole.cogvlm"])
  }

  @Test("A quantized file is written as safetensors by its values, and opens as a checkpoint again")
  func safetensors() async throws {
    try await Self.checkpoint.quantize(
      to: folder.path("small.cogvlm"), recipe: QuantizationRecipe(method: .absmax))
    let small = Checkpoint(path: folder.path("small.cogvlm"))
    let result = try await small.convert(
      to: folder.path("folder"), format: .safetensors(shardSize: 4_000_000))
    #expect(result.tensors.allSatisfy { $0.encoding == "BF16" })
    let inspection = try await Checkpoint(path: folder.path("folder")).inspect(checkingValues: true)
    #expect(inspection.isComplete == true && inspection.problems == [] && inspection.files.count > 2)
    await #expect(throws: CogVLMError.self) {
      try await small.convert(to: folder.path("no"), format: .safetensors(shardSize: 0))
    }
  }

  @Test("Tensors that the model does not have are refused, or left out with a warning on demand")
  func extra() async throws {
    var tensors = try Safetensors(folder: Fixtures.path("tiny/checkpoint"))
    tensors.append("model.surplus", type: "BF16", shape: [2], bytes: Data(count: 4))
    try tensors.write(toFolder: folder.path("source"), with: "tiny/checkpoint")
    let source = Checkpoint(path: folder.path("source"))
    let error = await #expect(throws: CogVLMError.self) {
      try await source.convert(to: folder.path("refused.cogvlm"))
    }
    #expect(error?.description.contains("model.surplus") == true)
    let converted = try await source.convert(to: folder.path("whole.cogvlm"), allowingExtra: true)
    let quantized = try await source.quantize(to: folder.path("small.cogvlm"), allowingExtra: true)
    for result in [converted, quantized] {
      #expect(result.warnings.contains { $0.contains("model.surplus") } && result.tensors.count == 77)
    }
  }
}
