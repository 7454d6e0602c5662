import CogBase

extension ScoringRule {
  /// The toolkit's own: the option that the reply begins with, by its words; a free answer but for case,
  /// white space and a final period. ``Scoring`` has it.
  package static let plain = ScoringRule(
    name: "plain", source: "the reply begins with the answer's words",
    acceptsFree: { Scoring.comparable($0) == Scoring.comparable($1) },
    accepts: { reply, options, place in
      Scoring.chosen(from: options, by: reply).map(Scoring.comparable) == Scoring.comparable(options[place])
    })

  /// Nothing but the option's letter, bare or in parentheses.
  package static let strict = ScoringRule(name: "strict", source: "the reply is X or (X), nothing else") {
    reply, _, place in
    let (reply, letter) = (reply.trimmingWhitespace(), OptionLetter.of(place))
    return reply == String(letter) || reply == "(\(letter))"
  }
}
