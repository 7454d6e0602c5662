import CogBase
package import CogModel

/// An earlier question and its answer.
package struct Turn: Equatable, Sendable {
  /// What was asked.
  package let question: String
  /// What was answered.
  package let answer: String

  /// A question with its answer.
  package init(question: String, answer: String) {
    self.question = question
    self.answer = answer
  }
}

/// Source: `_history_to_prompt` and `build_conversation_input_ids` of `modeling_cogvlm.py`.
extension PromptTemplate {
  /// The text of the prompt, everything after the frames.
  ///
  /// - Throws: `CogError` when there is a history and the template has no place for it.
  package func text(query: String, history: [Turn] = []) throws -> String {
    guard takesHistory || history.isEmpty else {
      throw CogError(
        "the \(rawValue) template has no place for earlier questions", expected: "no history",
        found: "\(history.count) turns", advice: "Use the chat template.")
    }
    return switch self {
    case .chat: Self.dialog(query, history, cue: "Answer:")
    case .vqa: Self.dialog(query, history, cue: "Short answer:")
    case .base: query
    }
  }

  private static func dialog(_ query: String, _ history: [Turn], cue: String) -> String {
    history.map { "Question: \($0.question) \(cue) \($0.answer)\n" }.joined() + "Question: \(query) \(cue)"
  }
}
