/// What a model answered to a question set, and how much of it was right. Its JSON is what `eval --json`
/// prints.
package struct EvaluationResult: Equatable, Sendable, Codable {
  /// Shares of right answers, 0 to 1. What failed counts as not right.
  package struct Accuracy: Equatable, Sendable, Codable {
    /// Over all questions that were asked.
    package let overall: Double
    /// Over the questions of each task.
    package let byTask: [String: Double]
  }

  /// Shares of right answers.
  package let accuracy: Accuracy
  /// All answers in the order of the question file, failed ones among them; without the questions that an
  /// interrupt came before.
  package let answers: [EvaluatedAnswer]
  /// Questions of the file.
  package let questions: Int
  /// Questions that could not be asked.
  package let failed: Int

  /// Counts the right ones among `answers`; of none, the share is 0.
  ///
  /// - Parameter questions: questions of the file; nil where all were asked.
  package init(answers: [EvaluatedAnswer], questions: Int? = nil) {
    func share(_ answers: [EvaluatedAnswer]) -> Double {
      answers.isEmpty ? 0 : Double(answers.count(where: \.correct)) / Double(answers.count)
    }
    self.answers = answers
    self.questions = questions ?? answers.count
    failed = answers.count { $0.status == .failed }
    accuracy = Accuracy(
      overall: share(answers), byTask: Dictionary(grouping: answers, by: \.task).mapValues(share))
  }

  /// What a share of a run gives, scored; items without a line are not among the answers.
  ///
  /// - Parameter items: questions with a true answer.
  /// - Throws: as ``ScoringRule/verdict(_:on:)``.
  package init(_ items: [RunItem], _ records: [String: RunRecord], rule: ScoringRule) throws {
    let answers = try items.compactMap { item in
      try records[item.key].map { record in
        // `eval` says what is right, and leaves to `score` what a rule could read.
        var answer = try EvaluatedAnswer(RunResult(item, record), rule: rule)
        answer.unparsed = nil
        return answer
      }
    }
    self.init(answers: answers, questions: items.count)
  }
}

extension Question {
  /// What an item of a run asks.
  init(_ item: RunItem) {
    self.init(
      video: item.video, task: item.task ?? "", question: item.question, candidates: item.candidates,
      answer: item.answer ?? "")
  }
}
