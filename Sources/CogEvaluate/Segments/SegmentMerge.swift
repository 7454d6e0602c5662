import CogBase
package import CogEngine
package import CogModel

/// One answer about a whole video, made of those about its windows.
package struct MergedAnswer: Equatable, Sendable, Codable {
  /// The answer.
  package let text: String
  /// Always true: the model has read answers, and no frames.
  package let approximate: Bool
  /// How many answers it is made of.
  package let answers: Int
  /// How often answers were put together, and what came of it again: once where all fit the context.
  package let rounds: Int

  /// An answer that was made of so many.
  package init(text: String, answers: Int, rounds: Int) {
    (self.text, self.answers, self.rounds, approximate) = (text, answers, rounds, true)
  }
}

/// Puts answers about consecutive parts of a video together: the model reads as many as its context holds,
/// and what it makes of them again, until one is left.
package struct SegmentMerge {
  /// An answer, and the part that it is about in seconds.
  package struct Part: Equatable, Sendable {
    package let start: Double
    package let end: Double
    package let text: String

    /// An answer about a part.
    package init(start: Double, end: Double, text: String) {
      (self.start, self.end, self.text) = (start, end, text)
    }
  }

  /// What was asked about every part.
  private let question: String
  /// The most tokens of a prompt.
  private let room: Int
  /// The tokens of a prompt.
  private let count: (String) throws -> Int
  /// The beginning of a text, of at most so many tokens.
  private let shorten: (String, Int) throws -> String
  /// What the model says to a prompt.
  private let ask: (String) throws -> String

  /// Merging by whatever reads texts.
  ///
  /// - Parameters:
  ///   - room: the most tokens of a prompt.
  ///   - count: the tokens of a prompt.
  ///   - shorten: the beginning of a text, of at most so many tokens.
  ///   - ask: what is said to a prompt.
  package init(
    question: String, room: Int, count: @escaping (String) throws -> Int,
    shorten: @escaping (String, Int) throws -> String, ask: @escaping (String) throws -> String
  ) {
    (self.question, self.room, self.count) = (question, room, count)
    (self.shorten, self.ask) = (shorten, ask)
  }

  /// The fewest tokens that an answer is cut to; fewer would say nothing.
  private static let fewestTokens = 16
  /// Tokens for the seconds in front of an answer, and for what is told apart at its ends.
  private static let lineTokens = 24

  /// The most tokens of an answer in a prompt, so that two fit.
  ///
  /// - Throws: ``CogError`` when the question leaves no room for answers.
  @discardableResult
  package func requireRoom() throws -> Int {
    let taken = try count(prompt([]))
    let most = (room - taken) / 2 - Self.lineTokens
    guard most >= Self.fewestTokens else {
      throw CogError(
        "the question leaves no room for answers to be merged",
        expected: "at most \(room - 2 * (Self.lineTokens + Self.fewestTokens)) tokens", found: "\(taken)",
        advice: "Ask a shorter question, or leave out --merge.")
    }
    return most
  }

  /// Puts parts together, in their order; at least one.
  ///
  /// - Throws: as ``requireRoom()``; what `ask` throws.
  package func merged(_ parts: [Part]) throws -> MergedAnswer {
    let most = try requireRoom()
    var (left, rounds) = (parts, 0)
    while left.count > 1 {
      rounds += 1
      left = try groups(of: left.map { Part(start: $0.start, end: $0.end, text: try shorten($0.text, most)) })
        .map { group in
          guard let first = group.first, let last = group.last, group.count > 1 else { return group[0] }
          return Part(start: first.start, end: last.end, text: try ask(prompt(group)))
        }
    }
    return MergedAnswer(
      text: left.first?.text ?? "", answers: parts.count, rounds: rounds)
  }

  /// Parts in groups that fit a prompt; two always do.
  private func groups(of parts: [Part]) throws -> [[Part]] {
    var groups: [[Part]] = []
    for part in parts {
      if let last = groups.last, try last.count < 2 || count(prompt(last + [part])) <= room {
        groups[groups.count - 1].append(part)
      } else {
        groups.append([part])
      }
    }
    return groups
  }

  private func prompt(_ parts: [Part]) -> String {
    let lines = parts.map {
      "From second \($0.start.secondsText) to second \($0.end.secondsText): "
        + $0.text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
    return
      ([
        "A video was watched in parts, one after another, and a question was asked about each part.",
        "Question: \(question)", "Answers:",
      ] + lines
      + ["Put these answers together into one answer to the question about the whole video."])
      .joined(separator: "\n")
  }
}

extension SegmentMerge {
  /// Merging by a model, without a video.
  ///
  /// - Parameters:
  ///   - template: the form of the prompts; nil takes the model's own.
  ///   - options: how answers are made; a quarter of the context is the most that one has.
  package init(_ engine: Engine, template: PromptTemplate?, question: String, options: AnswerOptions) {
    let length = engine.configuration.contextLength
    var options = options
    options.maximumNewTokens = min(options.maximumNewTokens, length / 4)
    let (conversation, answerOptions) = (Conversation(engine, template: template), options)
    self.init(
      question: question, room: length - options.maximumNewTokens,
      count: { try engine.prompt(template: template, frameCount: 0, query: $0).count },
      shorten: { text, most in
        let ids = engine.tokenizer.encode(text)
        guard ids.count > most else { return text }
        return try engine.tokenizer.decode(Array(ids.prefix(most)), skipSpecial: true)
      }, ask: { try conversation.answer($0, options: answerOptions).text })
  }

  /// Puts the answers about windows together; those that are empty or missing are passed over.
  ///
  /// - Returns: nil where there is no answer.
  /// - Throws: ``CogError`` when the question leaves no room for answers; what the context's cancellation
  ///   throws.
  package func merged(_ segments: [Segment]) throws -> MergedAnswer? {
    let parts = segments.compactMap { segment in
      segment.answer.flatMap {
        $0.text.isEmpty ? nil : Part(start: segment.bounds.start, end: segment.bounds.end, text: $0.text)
      }
    }
    return parts.isEmpty ? nil : try merged(parts)
  }
}
