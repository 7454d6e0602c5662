import CogBase

extension ScoringRule {
  /// lmms-eval's `mcq_acc`: the letter of a reply such as `A. text`, or else the first letter from A to E
  /// that stands alone. That it leaves empty replies out of the count is not taken over.
  ///
  /// Source: lmms-eval, `lmms_eval/tasks/mvbench/utils.py`.
  package static let lmms = ScoringRule(name: "lmms", source: "mcq_acc of lmms-eval") { reply, _, place in
    processed(reply) == processed(String(OptionLetter.of(place)))
  }

  private static let marks = [
    ";", "/", "[", "]", "\"", "{", "}", "(", ")", "=", "+", "\\", "_", "-", ">", "<", "@", "`", ",", "?", "!",
  ]

  /// The letter in upper case, or what is left of the text in lower case where it has none.
  private static func processed(_ text: String) -> String {
    let trimmed = text.trimmingWhitespace()
    if let match = trimmed.wholeMatch(of: /(?i)([A-E])\.\s*(.+)/) { return match.1.uppercased() }
    let line = text.replacing("\n", with: " ").replacing("\t", with: " ").trimmingWhitespace()
    var rest = withoutPunctuation(line)
    for mark in "'\")(" { rest = strip(mark, from: rest) }
    rest = rest.trimmingWhitespace().lowercased()
    return loneLetter(of: rest).map { String($0).uppercased() } ?? rest
  }

  private static func withoutPunctuation(_ text: String) -> String {
    let hasThousands = text.contains(/\d,\d/)
    var rest = text
    for mark in marks {
      let isApart = text.contains(mark + " ") || text.contains(" " + mark) || hasThousands
      rest = rest.replacing(mark, with: isApart ? "" : " ")
    }
    // Its flags are taken for the most replacements: 32.
    return rest.replacing(/\.(?!\d)/, with: "", maxReplacements: 32)
  }

  private static func strip(_ mark: Character, from text: String) -> String {
    var rest = text[...]
    while rest.first == mark { rest.removeFirst() }
    while rest.last == mark { rest.removeLast() }
    return String(rest)
  }

  /// The first of the letters a to e between characters that are no part of words.
  private static func loneLetter(of text: String) -> Character? {
    func isWord(_ scalar: Unicode.Scalar) -> Bool {
      scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }
    let scalars = Array(text.unicodeScalars)
    let place = scalars.indices.first { place in
      ("a"..."e").contains(scalars[place]) && !(place > 0 && isWord(scalars[place - 1]))
        && !(place + 1 < scalars.count && isWord(scalars[place + 1]))
    }
    return place.map { Character(scalars[$0]) }
  }
}
