import CogBase

/// A caption as data sets have it: one line, with no more in it than words and single spaces.
package struct CaptionText: Equatable, Sendable {
  /// The line; empty where there are no words.
  package let line: String
  /// Its words: what spaces set apart.
  package let wordCount: Int

  /// A reply as one line. Everything that any reader may take for the end of a line, other white space and
  /// control characters become single spaces.
  ///
  /// - Parameter limit: at most so many words: whole sentences where the first one fits, else that many
  ///   words of it; nil keeps all.
  package init(_ reply: String, words limit: Int? = nil) {
    var scalars = String.UnicodeScalarView()
    for scalar in reply.unicodeScalars {
      let isGap = scalar.properties.isWhitespace || scalar.properties.generalCategory == .control
      scalars.append(isGap ? " " : scalar)
    }
    var words = String(scalars).split(separator: " ")
    if let limit, words.count > limit {
      let sentences = words.prefix(limit).lastIndex(where: Self.endsSentence).map { $0 + 1 }
      words = Array(words.prefix(sentences ?? limit))
    }
    line = words.joined(separator: " ")
    wordCount = words.count
  }

  private static func endsSentence(_ word: Substring) -> Bool {
    let closing: Set<Character> = ["\"", "'", ")", "]", "”", "’", "»"]
    let end = word.reversed().first { !closing.contains($0) }
    return end.map { ".!?。！？…".contains($0) } ?? false
  }

  /// About how many tokens T5's tokenizer makes of the line, its end included: a token for each begun nine
  /// letters of a word in Latin script and each two digits, and one for every other character. Text encoders
  /// of video models take 226.
  package var tokenEstimate: Int {
    var (count, letters, digits) = (1, 0, 0)
    func finish() {
      count += (letters + 8) / 9 + (digits + 1) / 2
      (letters, digits) = (0, 0)
    }
    for character in line {
      switch character {
      case " ": finish()
      case _ where character.isASCII && character.isNumber: digits += 1
      case _ where character.isLetter && (character.unicodeScalars.first?.value ?? 0) < 0x250: letters += 1
      default:
        finish()
        count += 1
      }
    }
    finish()
    return count
  }

  /// What text encoders of video models take at most.
  package static let usualTokenLimit = 226
}
