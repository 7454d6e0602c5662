import CogBase

/// When an answer counts as right.
package enum Scoring {
  /// Whether `text` answers the question.
  ///
  /// White space at both ends, case and one final period aside, a free answer must be the true one. Where
  /// there are candidates, the one that the text begins with is what it says, and that must be the true one.
  package static func isCorrect(_ text: String, for question: Question) -> Bool {
    let wanted = comparable(question.answer)
    guard let candidates = question.candidates else { return comparable(text) == wanted }
    return chosen(from: candidates, by: text).map { comparable($0) == wanted } ?? false
  }

  /// The candidate that `text` begins with, or nil.
  ///
  /// It must end where a word ends, so that "on" is not chosen by "one"; of several the longest is taken.
  package static func chosen(from candidates: [String], by text: String) -> String? {
    let text = comparable(text)
    let matching = candidates.filter { candidate in
      let candidate = comparable(candidate)
      guard text.hasPrefix(candidate), let last = candidate.last else { return false }
      guard let next = text.dropFirst(candidate.count).first else { return true }
      return !(isWordCharacter(last) && isWordCharacter(next))
    }
    return matching.max { comparable($0).count < comparable($1).count }
  }

  /// The text without white space at both ends and one final period, in lower case.
  static func comparable(_ text: String) -> String {
    var text = text.trimmingWhitespace()
    if text.last == "." { text = text.dropLast().trimmingWhitespace() }
    return text.lowercased()
  }

  private static func isWordCharacter(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
  }
}
