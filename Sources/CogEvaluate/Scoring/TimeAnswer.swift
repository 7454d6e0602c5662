import CogBase

/// A moment or a span of a video that a text speaks of, in seconds: "At the 3rd second.", "between 3 and 7
/// seconds", "starts at 00:18 and ends at 00:23".
package struct TimeAnswer: Equatable, Sendable {
  /// The moment, or where the span begins.
  package let start: Double
  /// Where the span ends; nil for a moment.
  package let end: Double?

  /// A number in a text that may be a time.
  private struct Mark {
    let seconds: Double
    /// Whether the text says that it is one: a unit, a clock, "second" before it.
    var isTime: Bool
    let range: Range<String.Index>
  }

  /// A time that is known.
  init(start: Double, end: Double?) { (self.start, self.end) = (start, end) }

  /// Reads the first time of a text, or the span that begins with it; nil where there is none.
  ///
  /// - Parameter takesBareNumbers: whether a text that is nothing but a number is a time.
  package init?(_ text: String, takesBareNumbers: Bool = true) {
    // Replies are short; a few thousand characters hold every time that matters.
    let text = String(text.prefix(4096)).lowercased()
    let marks = Self.marks(in: text)
    let isTime = { Self.isTime($0, in: marks, text, takesBareNumbers: takesBareNumbers) }
    guard let first = marks.indices.first(where: isTime) else { return nil }
    let begin = marks[first].seconds
    guard first + 1 < marks.count, Self.isSpan(marks[first], marks[first + 1], in: text),
      marks[first + 1].seconds >= begin
    else {
      (start, end) = (begin, nil)
      return
    }
    (start, end) = (begin, marks[first + 1].seconds)
  }

  /// The part of the two spans' hull that both have; 0 where one is a moment.
  package func overlap(with other: TimeAnswer) -> Double {
    guard let end, let otherEnd = other.end else { return 0 }
    let hull = max(end, otherEnd) - min(start, other.start)
    return hull > 0 ? max(0, min(end, otherEnd) - max(start, other.start)) / hull : 0
  }

  // MARK: Reading

  private static func isTime(
    _ place: Int, in marks: [Mark], _ text: String, takesBareNumbers: Bool
  ) -> Bool {
    if marks[place].isTime { return true }
    // "3 to 7 seconds": the second number says what the first one is.
    if place + 1 < marks.count, marks[place + 1].isTime {
      return isSpan(marks[place], marks[place + 1], in: text, bySentence: false)
    }
    guard takesBareNumbers else { return false }
    let (before, after) = (text[..<marks[place].range.lowerBound], text[marks[place].range.upperBound...])
    return marks.count == 1 && (before + after).allSatisfy { $0.isWhitespace || $0 == "." }
  }

  /// Whether two numbers that follow each other are the ends of a span.
  ///
  /// - Parameter bySentence: whether words such as "and ends at" may stand between them.
  private static func isSpan(
    _ first: Mark, _ second: Mark, in text: String, bySentence: Bool = true
  ) -> Bool {
    let between = text[first.range.upperBound..<second.range.lowerBound]
      .trimmingPrefix(/[\s-]*(?:s|secs?|seconds?)\b/).trimmingWhitespace()
    if ["-", "–", "—", "to", "until", "till", "through", "to the", "until the"].contains(between) {
      return true
    }
    if between == "and" || between == "and the" {
      return text[..<first.range.lowerBound].suffix(16).contains("between")
    }
    return bySentence && !between.contains(".")
      && between.contains(/\b(ends?|ending|until|stops?|finish(es)?)\b/)
  }

  /// The numbers of a text in their order.
  private static func marks(in text: String) -> [Mark] {
    let form =
      #/
      (?<clock>\d+(?::\d\d){1,2}(?:\.\d+)?) |
      (?<number>\d+(?:\.\d+)?)(?:st|nd|rd|th)? |
      (?<word>[a-z]+(?:-[a-z]+)?)
    /#
    var (marks, isAfterSecond): ([Mark], Bool) = ([], false)
    for match in text.matches(of: form).prefix(512) {
      let rest = text[match.range.upperBound...]
      let hasUnit = rest.prefixMatch(of: /[\s-]*(?:s|secs?|seconds?)\b/) != nil
      let word = match.output.word
      if let clock = match.output.clock {
        marks.append(Mark(seconds: seconds(ofClock: clock), isTime: true, range: match.range))
      } else if let number = match.output.number.flatMap({ Double($0) }), number < 1e7 {
        marks.append(Mark(seconds: number, isTime: hasUnit || isAfterSecond, range: match.range))
      } else if let word, hasUnit || isAfterSecond, let number = NumberWord.value(word) {
        marks.append(Mark(seconds: Double(number), isTime: true, range: match.range))
      } else if let word, let number = NumberWord.value(word), number != 2 || word != "second" {
        // "between three and seven seconds"; "second" itself is mostly the unit.
        marks.append(Mark(seconds: Double(number), isTime: false, range: match.range))
      }
      isAfterSecond = ["second", "seconds"].contains(word ?? "")
    }
    return marks
  }

  private static func seconds(ofClock text: Substring) -> Double {
    text.split(separator: ":").reduce(0) { $0 * 60 + (Double($1) ?? 0) }
  }
}

/// Numbers up to sixty as English words.
private enum NumberWord {
  private static let ones = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
  ]
  private static let tens = ["twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60]
  private static let ordinals = [
    "first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12,
    "twentieth": 20, "thirtieth": 30, "fortieth": 40, "fiftieth": 50, "sixtieth": 60,
  ]

  /// The number of a word such as `three`, `third`, `twenty-third`; nil for other words.
  static func value(_ word: Substring) -> Int? {
    let parts = word.split(separator: "-").map(String.init)
    if parts.count == 2, let ten = tens[parts[0]], let one = single(parts[1]), one < 10 { return ten + one }
    return parts.count == 1 ? single(parts[0]) : nil
  }

  private static func single(_ word: String) -> Int? {
    if let value = ones.firstIndex(of: word) ?? tens[word] ?? ordinals[word] { return value }
    return word.hasSuffix("th") ? ones.firstIndex(of: String(word.dropLast(2))) : nil
  }
}

extension Double {
  /// A number of seconds as texts have it: whole ones without a point.
  var secondsText: String { Int(exactly: self).map { "\($0)" } ?? "\(self)" }
}
