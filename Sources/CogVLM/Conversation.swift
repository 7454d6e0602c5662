import CogBase
import CogEngine
import CogText
import Synchronization

/// Questions about one video, or about none, and their answers; the model is told earlier turns before the
/// next question, unless the template is ``PromptTemplate/base``, which has no place for them.
public final class Conversation: Sendable {
  /// A question and its answer.
  public struct Turn: Equatable, Sendable {
    /// What was asked.
    public let question: String
    /// What the model answered.
    public let answer: String

    /// An earlier turn.
    public init(question: String, answer: String) {
      self.question = question
      self.answer = answer
    }
  }

  /// The model that answers.
  public let model: Model
  private let state: Mutex<CogEngine.Conversation>

  /// A conversation to begin or to go on with.
  ///
  /// - Parameters:
  ///   - video: what ``Model/encode(_:template:frames:)`` of the same model made; nil to ask about no video.
  ///   - template: the form of the questions; nil takes the video's, or the model's own.
  ///   - history: earlier turns, the oldest first.
  /// - Throws: ``CogVLMError`` when the video was encoded by another model.
  public init(
    with model: Model, about video: VideoFeatures? = nil, template: PromptTemplate? = nil,
    history: [Turn] = []
  ) throws {
    try translatingErrors {
      guard video.map({ $0.model === model }) ?? true else {
        throw CogError(
          "the video was encoded by another model", file: video?.model.path, expected: model.path,
          advice: "Encode it with the model that is asked.")
      }
    }
    self.model = model
    state = Mutex(
      CogEngine.Conversation(
        model.engine, about: video?.features, template: (template ?? video?.template)?.template,
        history: history.map { CogText.Turn(question: $0.question, answer: $0.answer) }))
  }

  /// The turns so far, the oldest first.
  public var history: [Turn] {
    state.withLock { $0.history.map { Turn(question: $0.question, answer: $0.answer) } }
  }

  /// Forgets all turns, but not what was read of the video. An answer that is being made is remembered.
  public func forget() { state.withLock { $0.forget() } }

  /// Answers a question and remembers both, where the template has a place for earlier turns.
  ///
  /// - Parameter onText: receives the answer's text as it grows, on a thread of the work.
  /// - Throws: ``CogVLMError`` when question and answer cannot fit the model's context; `CancellationError`.
  @discardableResult
  public func answer(
    _ question: String, options: AnswerOptions = AnswerOptions(),
    onText: (@Sendable (String) -> Void)? = nil
  ) async throws -> Answer {
    try await model.worker.run { [self] _ in
      var isFirst = true
      // Work of one model is done one after another, so nobody else asks meanwhile.
      let conversation = state.withLock { $0 }
      let answer = try conversation.answer(question, options: try options.resolved()) { piece in
        guard let onText, !piece.isEmpty else { return }
        // The model begins its answer with a space.
        let text = isFirst ? String(piece.trimmingPrefix(" ")) : piece
        isFirst = false
        if !text.isEmpty { onText(text) }
      }
      state.withLock { $0.remember(CogText.Turn(question: question, answer: answer.text)) }
      return Answer(answer)
    }
  }

  /// Answers a question piece by piece, and remembers both at the end.
  ///
  ///     for try await text in conversation.ask("What happens?") { print(text, terminator: "") }
  ///
  /// - Returns: the text of the answer as it grows. Work stops when nobody listens any more. Its errors are
  ///   those of ``answer(_:options:onText:)``.
  public func ask(
    _ question: String, options: AnswerOptions = AnswerOptions()
  ) -> AsyncThrowingStream<String, any Error> {
    AsyncThrowingStream { continuation in
      let task = Task {
        do {
          try await answer(question, options: options) { continuation.yield($0) }
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }
}
