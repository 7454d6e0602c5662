/// What a model answered to a question set, and how much of it was right. Its JSON is what `eval --json`
/// prints.
package struct EvaluationResult: Equatable, Sendable, Codable {
  /// Shares of right answers, 0 to 1.
  package struct Accuracy: Equatable, Sendable, Codable {
    /// Over all questions.
    package let overall: Double
    /// Over the questions of each task.
    package let byTask: [String: Double]
  }

  /// One question and what the model made of it.
  package struct Answer: Equatable, Sendable, Codable {
    /// The video, as the question file has it.
    package let video: String
    /// The question's task.
    package let task: String
    /// What was asked.
    package let question: String
    /// The true answer.
    package let expected: String
    /// The model's answer.
    package let answer: String
    /// The token ids of the model's answer.
    package let ids: [Int]
    /// Whether the answer counts as right.
    package let correct: Bool

    /// The answer `text`, made of the tokens `ids`, to a question.
    package init(_ question: Question, text: String, ids: [Int]) {
      video = question.video
      task = question.task
      self.question = question.question
      expected = question.answer
      answer = text
      self.ids = ids
      correct = Scoring.isCorrect(text, for: question)
    }
  }

  /// Shares of right answers.
  package let accuracy: Accuracy
  /// All answers in the order of the question file.
  package let answers: [Answer]

  /// Counts the right ones among `answers`; of none, the share is 0.
  package init(answers: [Answer]) {
    func share(_ answers: [Answer]) -> Double {
      answers.isEmpty ? 0 : Double(answers.count(where: \.correct)) / Double(answers.count)
    }
    self.answers = answers
    accuracy = Accuracy(
      overall: share(answers), byTask: Dictionary(grouping: answers, by: \.task).mapValues(share))
  }
}
