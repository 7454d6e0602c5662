import CogBase
import CogCompute
import CogEngine
import CogMedia
import CogModel
import CogTestSupport
import CogText
import Testing

@Suite("Conversations")
struct ConversationTests {
  private static let video = VideoInput(path: Fixtures.path("sample/videos/v22_h264.mp4"))
  private static let options = AnswerOptions(maximumNewTokens: 6)

  private func engine() throws -> Engine { try Engine(path: QuantizedModel.path("sample"), mode: .fast) }

  @Test("An answer is what the session makes of the prompt, and its pieces are its text")
  func answer() throws {
    let engine = try engine()
    let features = try VideoEncoder(engine).encode(Self.video)
    let question = "Which way does the circle move?"
    var pieces = ""
    let answer = try Conversation(engine, about: features).answer(question, options: Self.options) {
      pieces += $0
    }
    let prompt = try engine.prompt(frameCount: features.frameCount, query: question)
    let session = try Session(engine)
    // The frames first, then the text.
    try session.read(ModelInput(prompt, 0..<prompt.videoCount, features: features))
    let rest = ModelInput(prompt, prompt.videoCount..<prompt.count, features: nil)
    let tokens = try session.generate(
      from: session.prefill(rest), maximumNewTokens: 6,
      endOfText: Set(engine.configuration.endOfTextIDs))
    #expect(answer.ids == tokens.ids)
    #expect(answer.margins == tokens.margins)
    #expect(answer.promptTokens == prompt.count)
    #expect(answer.text == pieces.trimmingWhitespace())
    #expect(!answer.text.isEmpty)
  }

  @Test("What was asked is remembered, what was only answered is not")
  func history() throws {
    let engine = try engine()
    var conversation = Conversation(engine)
    let first = try conversation.ask("What?", options: Self.options)
    #expect(conversation.history == [Turn(question: "What?", answer: first.text)])
    let second = try conversation.answer("Where?", options: Self.options)
    #expect(conversation.history.count == 1)
    let retold = Conversation(engine, history: [Turn(question: "What?", answer: first.text)])
    #expect(try retold.answer("Where?", options: Self.options).ids == second.ids)
    #expect(try retold.prompt("Where?") == conversation.prompt("Where?"))
  }

  @Test("A question that was not answered is not remembered")
  func failure() throws {
    struct Enough: Error {}
    var conversation = Conversation(try engine())
    #expect(throws: Enough.self) { try conversation.ask("What?") { _ in throw Enough() } }
    #expect(conversation.history.isEmpty)
  }

  @Test("A prompt that leaves no room for an answer is refused with its frames")
  func room() throws {
    let engine = try engine()
    let length = engine.configuration.contextLength
    let conversation = Conversation(engine, template: .base)
    let word = try #require(
      (1...length).first { (try? conversation.prompt(String(repeating: " a", count: $0))) == nil })
    let error = #expect(throws: CogError.self) {
      try conversation.answer(String(repeating: " a", count: word))
    }
    #expect(error?.expected == "fewer than \(length) tokens")
    #expect(error?.found == "\(length) (0 frames and the text)")
    // One token less is a question, whose answer is one token.
    let answer = try conversation.answer(String(repeating: " a", count: word - 1))
    #expect(answer.promptTokens == length - 1)
    #expect(answer.ids.count <= 2)
  }
}
