import CogBase

/// When a reply counts as right: one of the rules that the field scores with, which disagree about the same
/// replies.
package struct ScoringRule: Sendable {
  /// What a rule makes of a reply.
  package enum Verdict: Equatable, Sendable {
    /// The reply is the true answer.
    case right
    /// It is another one.
    case wrong
    /// The rule finds no answer in it, which counts as wrong.
    case unparsed
  }

  /// What the command line calls it.
  package let name: String
  /// Whose rule it is, in a few words.
  package let source: String
  /// Whether a reply counts as the option at `place` of those to choose from.
  private let accepts: @Sendable (_ reply: String, _ options: [String], _ place: Int) -> Bool
  /// Whether a free reply counts as the true answer; nil where the rule knows options alone.
  private let acceptsFree: (@Sendable (_ reply: String, _ answer: String) -> Bool)?
  /// Whether a free reply says anything that the rule looks for.
  private let isParsed: @Sendable (_ reply: String) -> Bool

  /// A rule.
  init(
    name: String, source: String,
    acceptsFree: (@Sendable (_ reply: String, _ answer: String) -> Bool)? = nil,
    isParsed: @escaping @Sendable (_ reply: String) -> Bool = { !$0.allSatisfy(\.isWhitespace) },
    accepts: @escaping @Sendable (_ reply: String, _ options: [String], _ place: Int) -> Bool
  ) {
    (self.name, self.source) = (name, source)
    (self.accepts, self.acceptsFree, self.isParsed) = (accepts, acceptsFree, isParsed)
  }

  /// Every rule, the toolkit's own first.
  package static let all: [ScoringRule] = [
    .plain, .pllava, .official, .vlmEvalKit, .lmms, .strict, .words, .seconds,
  ]

  /// The rule of a name; nil where there is none.
  package init?(named name: String) {
    guard let rule = Self.all.first(where: { $0.name == name }) else { return nil }
    self = rule
  }

  /// A model's context holds far less.
  private static let longestReply = 1 << 16

  /// What the rule makes of a reply, as it stands.
  ///
  /// - Throws: `CogError` when the question has no options that the rule could look for.
  package func verdict(_ reply: String, on question: Question) throws -> Verdict {
    let reply = String(reply.prefix(Self.longestReply))
    guard let options = question.candidates else {
      guard let acceptsFree else {
        throw CogError(
          "the rule looks for options, and the question has none", subject: "--rule \(name)",
          expected: "candidates", found: "\(question.video): \(question.question)",
          advice: "Score it with --rule plain.")
      }
      guard isParsed(reply) else { return .unparsed }
      return acceptsFree(reply, question.answer) ? .right : .wrong
    }
    guard options.count <= OptionLetter.count,
      let truth = OptionLetter.place(of: question.answer, in: options)
    else {
      throw CogError(
        "the options have no letter for the true answer", subject: "\(question.video): \(question.question)",
        expected: "at most \(OptionLetter.count) candidates, the answer among them",
        found: "\(options.count) candidates")
    }
    if accepts(reply, options, truth) { return .right }
    return options.indices.contains { accepts(reply, options, $0) } ? .wrong : .unparsed
  }
}

/// The letters that stand for the options of a question.
enum OptionLetter {
  /// From A to Z.
  static let count = 26

  /// The letter of an option in upper case, counted from 0.
  static func of(_ place: Int) -> Character { Character(Unicode.Scalar(UInt8(ascii: "A") + UInt8(place))) }

  /// Where the true answer stands among the options: as it is written, or else but for case and white space.
  static func place(of answer: String, in options: [String]) -> Int? {
    options.firstIndex(of: answer)
      ?? options.firstIndex { Scoring.comparable($0) == Scoring.comparable(answer) }
  }

  /// The true answer as harnesses write it: `(A) text`.
  static func labeled(_ options: [String], _ place: Int) -> String { "(\(of(place))) \(options[place])" }

  /// What stands before the first ASCII space, in lower case.
  static func firstWord(_ text: String) -> String { String(text.lowercased().prefix { $0 != " " }) }
}
