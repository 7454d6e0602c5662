import CogBase

/// A moment or a span of a video that a text speaks of, in seconds: "At the 3rd second.", "between 3 and 7
/// seconds", "starts at 00:18 and ends at 00:23", "at 1 minute and 30 seconds".
package struct TimeAnswer: Equatable, Sendable {
  /// The moment, or where the span begins.
  package let start: Double
  /// Where the span ends; nil for a moment.
  package let end: Double?

  /// A number in a text that may be a time.
  private struct Mark {
    let number: Double
    /// Seconds of its unit: a word behind it or in front, a clock; nil where the text does not say that it is
    /// a time.
    let unit: Double?
    /// Where it stands, with the unit behind it.
    let range: Range<String.Index>

    /// In seconds, where the other end of a span may have the unit of both.
    func seconds(besides other: Mark? = nil) -> Double { number * (unit ?? other?.unit ?? 1) }
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
    if takesBareNumbers, Self.isBareSpan(marks, in: text) {
      (start, end) = (marks[0].number, marks[1].number)
      return
    }
    let isTime = { Self.isTime($0, in: marks, text, takesBareNumbers: takesBareNumbers) }
    guard let first = marks.indices.first(where: isTime) else { return nil }
    let next = marks.dropFirst(first + 1).first
    guard let next, Self.isSpan(marks[first], next, in: text),
      next.seconds(besides: marks[first]) >= marks[first].seconds(besides: next)
    else {
      (start, end) = (marks[first].seconds(), nil)
      return
    }
    (start, end) = (marks[first].seconds(besides: next), next.seconds(besides: marks[first]))
  }

  /// Whether it begins in the second of another time, both rounded.
  func names(secondOf other: TimeAnswer) -> Bool { start.rounded() == other.start.rounded() }

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
    if marks[place].unit != nil { return true }
    // "3 to 7 seconds": the second number says what the first one is.
    if place + 1 < marks.count, marks[place + 1].unit != nil {
      return isSpan(marks[place], marks[place + 1], in: text, bySentence: false)
    }
    guard takesBareNumbers else { return false }
    let (before, after) = (text[..<marks[place].range.lowerBound], text[marks[place].range.upperBound...])
    return marks.count == 1 && (before + after).allSatisfy { $0.isWhitespace || $0 == "." }
  }

  /// Whether a text is nothing but the two ends of a span: `3-7`, `from 3 to 7`, `[3, 7]`.
  private static func isBareSpan(_ marks: [Mark], in text: String) -> Bool {
    guard marks.count == 2, marks.allSatisfy({ $0.unit == nil }), marks[0].number <= marks[1].number else {
      return false
    }
    let before = text[..<marks[0].range.lowerBound].trimmingWhitespace()
    let after = text[marks[1].range.upperBound...].trimmingWhitespace()
    if ["[": "]", "(": ")"][before] == after {
      let between = text[marks[0].range.upperBound..<marks[1].range.lowerBound].trimmingWhitespace()
      return between == "," || isSpan(marks[0], marks[1], in: text)
    }
    return ["", "from", "between"].contains(before) && ["", "."].contains(after)
      && isSpan(marks[0], marks[1], in: text)
  }

  /// Whether two numbers that follow each other are the ends of a span.
  ///
  /// - Parameter bySentence: whether words such as "and ends at" may stand between them.
  private static func isSpan(
    _ first: Mark, _ second: Mark, in text: String, bySentence: Bool = true
  ) -> Bool {
    let between = text[first.range.upperBound..<second.range.lowerBound].trimmingWhitespace()
    let link =
      /(?<word>-|–|—|~|(?:up\s+)?to|until|till|through|and)(?:\s+(?:the|about|around|seconds?|minutes?))*/
    if let match = between.wholeMatch(of: link) {
      guard match.word == "and" else { return true }
      return text[..<first.range.lowerBound].suffix(16).contains("between")
    }
    return bySentence && !between.contains(".")
      && between.contains(/\b(ends?|ending|until|stops?|finish(es)?)\b/)
  }

  /// The numbers of a text in their order, "1 minute and 30 seconds" as one.
  private static func marks(in text: String) -> [Mark] {
    let form =
      #/
      (?<clock>\d+(?::\d\d){1,2}(?:\.\d+)?) |
      (?<number>\d+(?:\.\d+)?)(?:st|nd|rd|th)? |
      (?<word>[a-z]+(?:-[a-z]+)?)
    /#
    var (marks, unitBefore): ([Mark], Double?) = ([], nil)
    for match in text.matches(of: form).prefix(512) {
      // The unit of the number before.
      if let last = marks.last, match.range.lowerBound < last.range.upperBound { continue }
      let word = match.output.word
      let unit = unit(behind: match.range.upperBound, in: text)
      let range = match.range.lowerBound..<(unit?.end ?? match.range.upperBound)
      if let clock = match.output.clock {
        marks.append(Mark(number: seconds(ofClock: clock), unit: 1, range: range))
      } else if let number = match.output.number.flatMap({ Double($0) }), number < 1e7 {
        add(Mark(number: number, unit: unit?.seconds ?? unitBefore, range: range), to: &marks, in: text)
      } else if let word, let number = NumberWord.value(word),
        unit != nil || unitBefore != nil || number != 2 || word != "second"
      {
        // "between three and seven seconds"; "second" itself is mostly the unit.
        let mark = Mark(number: Double(number), unit: unit?.seconds ?? unitBefore, range: range)
        add(mark, to: &marks, in: text)
      }
      unitBefore = word.flatMap {
        ["second", "seconds", "minute", "minutes"].contains($0) ? units[String($0)] : nil
      }
    }
    return marks
  }

  /// Adds a number, to the one before where both are parts of one time.
  private static func add(_ mark: Mark, to marks: inout [Mark], in text: String) {
    guard let last = marks.last, let large = last.unit, let small = mark.unit, large > small,
      mark.seconds() < large,
      ["", "and", ",", ", and"].contains(
        String(text[last.range.upperBound..<mark.range.lowerBound].trimmingWhitespace()))
    else { return marks.append(mark) }
    marks[marks.count - 1] = Mark(
      number: (last.seconds() + mark.seconds()) / small, unit: small,
      range: last.range.lowerBound..<mark.range.upperBound)
  }

  /// Seconds of the words that are units.
  private static let units: [String: Double] = [
    "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1, "min": 60, "mins": 60, "minute": 60,
    "minutes": 60, "hr": 3600, "hrs": 3600, "hour": 3600, "hours": 3600, "m": 60, "h": 3600,
  ]

  /// The unit that stands behind a number, and where it ends; nil where none does.
  private static func unit(behind place: String.Index, in text: String) -> (
    seconds: Double, end: String.Index
  )? {
    // A lone "m" is mostly a meter: "1m 30s".
    let form =
      #/
      [\s\-]*(?<unit>s|secs?|seconds?|mins?|minutes?|hrs?|hours?|h(?=\s*\d+\s*m)|m(?=\s*\d+\s*s))(?![a-z])
      /#
    guard let match = text[place...].prefixMatch(of: form), let seconds = units[String(match.unit)] else {
      return nil
    }
    return (seconds, match.range.upperBound)
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
