import CogBase

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

/// The form that a question takes in the prompt: `template_version` of the published code.
///
/// Source: `_history_to_prompt` and `build_conversation_input_ids` of `modeling_cogvlm.py`.
package enum PromptTemplate: String, Sendable, CaseIterable, Codable {
  /// `Question: ... Answer:`, and the number of its second after each frame.
  case chat
  /// `Question: ... Short answer:`, without numbers.
  case vqa
  /// The query alone, to be continued; no history, no numbers.
  case base

  /// The names of all templates.
  package static var names: [String] { allCases.map(\.rawValue) }

  /// The template with the name that `template_version` of `config.json` or the command line gives.
  ///
  /// - Throws: `CogError` when there is no such template.
  package init(named name: String) throws {
    guard let template = PromptTemplate(rawValue: name) else {
      throw CogError(
        "there is no such prompt template", expected: Self.names.joined(separator: ", "),
        found: name)
    }
    self = template
  }

  /// Whether each frame is followed by its index as decimal text.
  package var numbersFrames: Bool { self == .chat }

  /// The text of the prompt, everything after the frames.
  ///
  /// - Throws: `CogError` when there is a history and the template has no place for it.
  package func text(query: String, history: [Turn] = []) throws -> String {
    switch self {
    case .chat: return Self.dialog(query, history, cue: "Answer:")
    case .vqa: return Self.dialog(query, history, cue: "Short answer:")
    case .base:
      guard history.isEmpty else {
        throw CogError(
          "the base template has no place for earlier questions", expected: "no history",
          found: "\(history.count) turns", advice: "Use the chat template.")
      }
      return query
    }
  }

  private static func dialog(_ query: String, _ history: [Turn], cue: String) -> String {
    history.map { "Question: \($0.question) \(cue) \($0.answer)\n" }.joined() + "Question: \(query) \(cue)"
  }
}
