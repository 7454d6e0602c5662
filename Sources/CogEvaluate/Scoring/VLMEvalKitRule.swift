import CogBase

extension ScoringRule {
  /// VLMEvalKit without a judge (`exact_matching`): the official rule, or else the one option that
  /// `can_infer` finds. What it makes of failed replies, which it counts as right, is not taken over.
  ///
  /// Source: VLMEvalKit, `vlmeval/dataset/utils/mvbench.py` and `vlmeval/utils/matching_util.py`.
  package static let vlmEvalKit = ScoringRule(
    name: "vlmevalkit", source: "VLMEvalKit with --judge exact_matching"
  ) { reply, options, place in
    isFirstWord(of: reply.trimmingWhitespace(), the: OptionLetter.labeled(options, place))
      || inferred(from: reply, options) == OptionLetter.of(place)
  }

  private static let refusals = [
    "Sorry, I can't help with images of people yet.", "I can't process this file.",
    "I'm sorry, but without the image provided", "Cannot determine the answer",
  ]

  /// The letter that a reply is taken for; nil where none is.
  private static func inferred(from reply: String, _ options: [String]) -> Character? {
    if !reply.contains("Failed to obtain answer via API") {
      if refusals.contains(where: reply.contains) { return nil }
      switch inferredOption(from: reply, options) {
      case .letter(let letter): return letter
      case .refusal: return nil
      case .nothing: break
      }
    }
    let text = reply.lowercased()
    guard text.unicodeScalars.count <= 2 * options.reduce(0, { $0 + $1.unicodeScalars.count }) else {
      return nil
    }
    let said = options.indices.filter { text.contains(options[$0].lowercased()) }
    return said.count == 1 ? said.first.map(OptionLetter.of) : nil
  }

  private enum Inference {
    case letter(Character)
    /// `Z` alone: no option.
    case refusal
    case nothing
  }

  private static func inferredOption(from reply: String, _ options: [String]) -> Inference {
    let words = reply.map { ".()[],:;!*#{}".contains($0) ? " " : String($0) }.joined()
      .split(whereSeparator: \.isWhitespace)
    let letters = options.indices.map(OptionLetter.of).filter { words.contains(String($0)[...]) }
    if letters.count == 1, let letter = letters.first {
      // Only among the last words, so that an article at the beginning of a sentence is none.
      if let place = words.firstIndex(of: String(letter)[...]), place > words.count - 5 {
        return .letter(letter)
      }
    } else if letters.isEmpty, words.contains("Z") {
      return .refusal
    }
    guard let match = reply.firstMatch(of: /(?i)answer\s+is\s+\**([ABCD])\**/),
      let letter = match.1.uppercased().first, options.indices.map(OptionLetter.of).contains(letter)
    else { return .nothing }
    return .letter(letter)
  }
}
