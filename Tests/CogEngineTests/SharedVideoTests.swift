import CogBase
import CogCompute
import CogEngine
import CogMedia
import CogModel
import CogTestSupport
import CogText
import Synchronization
import Testing

/// Ends work when it was asked more often than is allowed whether to stop.
private final class Allowance: Cancellation {
  struct Stop: Error {}
  private let left = Mutex(Int.max)

  func allow(_ checks: Int) { left.withLock { $0 = checks } }

  func check() throws {
    let isOver = left.withLock { left in
      defer { left -= 1 }
      return left <= 0
    }
    if isOver { throw Stop() }
  }
}

/// What is read of a video once serves all questions about it, to the bit.
@Suite struct SharedVideoTests {
  private static let video = VideoInput(path: Fixtures.path("sample/videos/v22_h264.mp4"))
  private static let questions = [
    "What?", "Which way does the circle move?", "Describe what happens, in detail.",
  ]

  private static func engine(_ mode: ComputeMode, threads: Int = 2) throws -> Engine {
    try Engine(
      path: QuantizedModel.path("sample"), mode: mode,
      context: RunContext(threads: ThreadPool(threadCount: threads)))
  }

  /// The bits of a prompt's logits and of the next two tokens'.
  private func bits(_ conversation: Conversation, _ question: String) throws -> [[UInt32]] {
    let prompt = try conversation.prompt(question)
    let (session, logits) = try conversation.read(prompt, newTokens: 8)
    defer { conversation.keep(session, after: prompt) }
    let steps = [logits, try session.step(17), try session.step(99)]
    return steps.map { $0.values.map(\.bitPattern) }
  }

  @Test(
    "logits are the same bits whatever was asked before, in every mode and template, with 1 to 3 threads",
    arguments: ComputeMode.allCases, PromptTemplate.allCases)
  func sameBits(mode: ComputeMode, template: PromptTemplate) throws {
    for threads in 1...3 {
      let engine = try Self.engine(mode, threads: threads)
      let features = try VideoEncoder(engine).encode(Self.video, template: template)
      func conversation() -> Conversation { Conversation(engine, about: features, template: template) }
      let anew = try Self.questions.map { try bits(conversation(), $0) }
      let shared = conversation()
      // In any order, and again.
      for place in [1, 0, 2, 1, 1] {
        #expect(try bits(shared, Self.questions[place]) == anew[place], "\(threads) threads, \(place)")
      }
    }
  }

  @Test("earlier turns stand behind the frames: what was read of these serves them too")
  func history() throws {
    let engine = try Self.engine(.fast)
    let features = try VideoEncoder(engine).encode(Self.video)
    var shared = Conversation(engine, about: features)
    _ = try shared.ask("What?", options: AnswerOptions(maximumNewTokens: 3))
    let told = Conversation(engine, about: features, history: shared.history)
    #expect(try bits(shared, "Where?") == bits(told, "Where?"))
    #expect(shared.history.count == 1 && told.history == shared.history)
  }

  @Test("a question that is cut short leaves nothing behind for the next one")
  func interrupted() throws {
    struct Enough: Error {}
    let stop = Allowance()
    let engine = try Engine(
      path: QuantizedModel.path("sample"), mode: .fast, context: RunContext(cancellation: stop))
    let features = try VideoEncoder(engine).encode(Self.video)
    let expected = try bits(Conversation(engine, about: features), "Where?")
    let shared = Conversation(engine, about: features)
    #expect(throws: Enough.self) { try shared.answer("What?") { _ in throw Enough() } }
    #expect(try bits(shared, "Where?") == expected)
    // At every stage of the beginning, and of a rest.
    for checks in 0..<(2 * engine.language.stageCount) {
      let some = Conversation(engine, about: features)
      stop.allow(checks)
      _ = try? some.answer("What is it?", options: AnswerOptions(maximumNewTokens: 1))
      stop.allow(.max)
      #expect(try bits(some, "Where?") == expected, "after \(checks) stages")
    }
  }

  @Test("two who ask one conversation at once do not get into each other's way")
  func together() async throws {
    let engine = try Self.engine(.fast, threads: 1)
    let features = try VideoEncoder(engine).encode(Self.video)
    let shared = Conversation(engine, about: features)
    let options = AnswerOptions(maximumNewTokens: 3)
    let expected = try Self.questions.map { try shared.answer($0, options: options).ids }
    let found = try await withThrowingTaskGroup(of: (Int, [Int]).self) { group in
      for (place, question) in Self.questions.enumerated() {
        group.addTask { (place, try shared.answer(question, options: options).ids) }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    #expect(Self.questions.indices.map { found[$0] } == expected)
  }
}
