import CogBase

/// The form in which a model is shown a video and asked about it: `template_version` of the published code.
///
/// It decides which frames are chosen, what stands between them, and how question and earlier turns are
/// written.
package enum PromptTemplate: String, Sendable, CaseIterable, Codable {
  /// `Question: ... Answer:`, and the number of its second after each frame.
  case chat
  /// `Question: ... Short answer:`, without numbers.
  case vqa
  /// The query alone, to be continued; no history, no numbers.
  case base

  /// The template with the name that `template_version` of `config.json` or of a bundle gives.
  ///
  /// - Parameter subject: the field that the name stands in, for the error.
  /// - Throws: `CogError` when there is no such template.
  package init(named name: String, subject: String? = nil) throws {
    guard let template = PromptTemplate(rawValue: name) else {
      throw CogError(
        "there is no such prompt template", subject: subject,
        expected: Self.allCases.map(\.rawValue).joined(separator: ", "), found: name)
    }
    self = template
  }

  /// Whether the text has a place for earlier questions and answers.
  package var takesHistory: Bool { self != .base }

  /// Whether each frame is followed by its index as decimal text.
  package var numbersFrames: Bool { self == .chat }
}
