import CogBase
import Glibc

/// Two runs over the same questions: which answers only one of them has right (McNemar's test), such as of an
/// int4 model and of the one that it was made from.
package struct PairedScores: Sendable, Encodable {
  /// An answer that only one of the runs has right.
  package struct Flip: Sendable, Encodable {
    /// The question.
    package let key: String
    package let video: String
    package let task: String
    package let question: String
    /// The true answer.
    package let expected: String
    /// What each run said; nil where it failed.
    package let first: String?
    package let second: String?
    /// Which of them is right: `first` or `second`.
    package let right: String

    private enum CodingKeys: String, CodingKey {
      case key, video, task, question, expected, first, second, right
    }

    /// Writes failed replies as null.
    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(key, forKey: .key)
      try container.encode(video, forKey: .video)
      try container.encode(task, forKey: .task)
      try container.encode(question, forKey: .question)
      try container.encode(expected, forKey: .expected)
      try container.encode(first, forKey: .first)
      try container.encode(second, forKey: .second)
      try container.encode(right, forKey: .right)
    }
  }

  /// Questions that both or one of the runs has right.
  package struct Count: Equatable, Sendable, Encodable {
    /// All that both runs have.
    package var questions = 0
    package var bothRight = 0
    package var onlyFirst = 0
    package var onlySecond = 0
    package var bothWrong = 0

    /// Nothing was compared yet.
    package init() {}

    /// How likely flips are to be as uneven as these by chance: the exact test of McNemar, two-sided.
    package var probability: Double { PairedScores.probability(onlyFirst, onlySecond) }

    private enum CodingKeys: String, CodingKey {
      case questions, bothRight, onlyFirst, onlySecond, bothWrong, probability
    }

    /// Writes the probability too.
    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(questions, forKey: .questions)
      try container.encode(bothRight, forKey: .bothRight)
      try container.encode(onlyFirst, forKey: .onlyFirst)
      try container.encode(onlySecond, forKey: .onlySecond)
      try container.encode(bothWrong, forKey: .bothWrong)
      try container.encode(probability, forKey: .probability)
    }
  }

  /// The rule.
  package let rule: String
  /// The two runs.
  package let runs: [String]
  /// Over all questions that both have.
  package let total: Count
  /// The same of each task.
  package let byTask: [String: Count]
  /// What only one of them has right, in the order of the first.
  package let flips: [Flip]
  /// Questions that only one of the runs has.
  package let unpaired: Int

  /// Compares two runs under a rule.
  ///
  /// - Parameter rule: nil takes that of the first run's benchmark.
  /// - Throws: `CogError` when they share no question; as ``ScoringRule/verdict(_:on:)``.
  package init(_ first: RunResults, _ second: RunResults, rule: ScoringRule? = nil) throws {
    let rule = rule ?? first.benchmark.rule
    let others = Dictionary(second.results.map { ($0.item.key, $0) }) { first, _ in first }
    var (total, byTask, flips): (Count, [String: Count], [Flip]) = (Count(), [:], [])
    for own in first.results {
      guard let other = others[own.item.key] else { continue }
      let isRight = try naming(file: first.path) { try EvaluatedAnswer(own, rule: rule).correct }
      let isOtherRight = try naming(file: second.path) { try EvaluatedAnswer(other, rule: rule).correct }
      let task = own.item.task ?? ""
      total.add(isRight, isOtherRight)
      byTask[task, default: Count()].add(isRight, isOtherRight)
      guard isRight != isOtherRight else { continue }
      flips.append(
        Flip(
          key: own.item.key, video: own.item.video, task: task, question: own.item.question,
          expected: own.item.answer ?? "", first: own.reply, second: other.reply,
          right: isRight ? "first" : "second"))
    }
    guard total.questions > 0 else {
      throw CogError(
        "the runs have no question in common", file: second.path, expected: "questions of \(first.path)",
        advice: "Compare runs over the same list.")
    }
    (self.rule, runs, self.total, self.byTask) = (rule.name, [first.path, second.path], total, byTask)
    self.flips = flips
    unpaired = first.results.count + second.results.count - 2 * total.questions
  }

  /// Twice the probability of at most the smaller of two counts among both, when each is as likely.
  fileprivate static func probability(_ first: Int, _ second: Int) -> Double {
    let (count, few) = (first + second, min(first, second))
    guard count > 0 else { return 1 }
    // In logarithms: 2 to the power of thousands is no number.
    let tail = (0...few).reduce(0.0) { sum, k in
      let chosen = lgamma(Double(count + 1)) - lgamma(Double(k + 1)) - lgamma(Double(count - k + 1))
      return sum + exp(chosen - Double(count) * log(2.0))
    }
    return min(1, 2 * tail)
  }
}

extension PairedScores.Count {
  fileprivate mutating func add(_ isRight: Bool, _ isOtherRight: Bool) {
    questions += 1
    switch (isRight, isOtherRight) {
    case (true, true): bothRight += 1
    case (true, false): onlyFirst += 1
    case (false, true): onlySecond += 1
    case (false, false): bothWrong += 1
    }
  }
}
