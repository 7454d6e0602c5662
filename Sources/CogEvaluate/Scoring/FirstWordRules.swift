extension ScoringRule {
  /// `check_ans` of MVBench's own notebook. It credits replies of which nothing is left before the first
  /// space, such as an empty one, whatever the answer is.
  ///
  /// Source: Ask-Anything, `video_chat2/mvbench.ipynb`.
  package static let official = ScoringRule(name: "official", source: "check_ans of MVBench's notebook") {
    isFirstWord(of: $0, the: OptionLetter.labeled($1, $2))
  }

  /// PLLaVA's `check_ans`: the same, where the first word has a letter of an option at all. What published
  /// scores of CogVLM2-Video refer to.
  ///
  /// Source: PLLaVA, `tasks/eval/mvbench/__init__.py`.
  package static let pllava = ScoringRule(name: "pllava", source: "check_ans of PLLaVA's evaluation") {
    OptionLetter.firstWord($0).contains { "abcdefg".contains($0) }
      && isFirstWord(of: $0, the: OptionLetter.labeled($1, $2))
  }

  /// Whether the first word of a reply, without periods, is in the first word of the labeled answer, or that
  /// in it.
  static func isFirstWord(of reply: String, the answer: String) -> Bool {
    let (said, wanted) = (OptionLetter.firstWord(reply), OptionLetter.firstWord(answer))
    let bare = said.replacing(".", with: "")
    return bare.isEmpty || wanted.contains(bare) || said.contains(wanted)
  }
}
