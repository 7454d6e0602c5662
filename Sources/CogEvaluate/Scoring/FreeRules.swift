import CogBase

extension ScoringRule {
  /// The true answer's words stand in the reply one after another, case and punctuation aside. No harness
  /// scores so: theirs ask a language model.
  package static let words = ScoringRule(
    name: "words", source: "the answer's words stand in the reply; not comparable with judged scores",
    acceptsFree: { hasWords($0, of: $1) }, accepts: { hasWords($0, of: $1[$2]) })

  private static func hasWords(_ reply: String, of answer: String) -> Bool {
    func words(_ text: String) -> String {
      " " + text.lowercased().split { !($0.isLetter || $0.isNumber) }.joined(separator: " ") + " "
    }
    return words(answer) != "  " && words(reply).contains(words(answer))
  }

  /// The reply names the second of a moment, or a moment within a span, or a span that shares at least half
  /// of the hull with it (``TimeAnswer``).
  package static let seconds = ScoringRule(
    name: "seconds", source: "the reply names the second, or hits the span",
    acceptsFree: { reply, answer in
      guard let said = TimeAnswer(reply), let truth = TimeAnswer(answer) else { return false }
      guard let end = truth.end else { return said.names(secondOf: truth) }
      return said.end == nil
        ? (truth.start...end).contains(said.start) : said.overlap(with: truth) >= 0.5
    },
    isParsed: { TimeAnswer($0) != nil }, accepts: { _, _, _ in false })
}
