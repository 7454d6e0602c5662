/// One step of an answer under the reference's prefix.
package struct AnswerStep: Equatable, Sendable, Codable {
  /// Whether the choices agree.
  package enum Agreement: String, Equatable, Sendable, Codable {
    /// The same token.
    case equal
    /// Another token, which the error of the logits explains.
    case excused
    /// Another token, without excuse.
    case mismatch
  }

  /// The engine's choice.
  package var id: Int
  /// The reference's.
  package var referenceId: Int
  /// The engine's choice as text.
  package var text: String
  /// The reference's.
  package var referenceText: String
  /// The gap between the reference's two highest logits; nil where the bundle does not say.
  package var gap: Double?
  /// Whether the choices agree.
  package var agreement: Agreement

  /// Writes the JSON of a step; a gap that is not known is null.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(id, forKey: .id)
    try container.encode(referenceId, forKey: .referenceId)
    try container.encode(text, forKey: .text)
    try container.encode(referenceText, forKey: .referenceText)
    try container.encode(gap, forKey: .gap)
    try container.encode(agreement, forKey: .agreement)
  }
}
