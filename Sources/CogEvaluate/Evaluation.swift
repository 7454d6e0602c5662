import CogBase
package import CogCompute

/// Asks the questions of a set.
package enum Evaluation {
  /// Asks every question and scores the answers.
  ///
  /// All questions of a video are asked one after another, so that `answer` may keep what it made of the
  /// video; the result has the order of the file.
  ///
  /// - Parameters:
  ///   - context: who may stop the work and who sees its progress.
  ///   - answer: the model's answer to a question: its text and its token ids.
  /// - Throws: what `answer` throws, a `CogError` without a subject with the question's number put in; and
  ///   what the context's cancellation throws.
  package static func run(
    _ set: QuestionSet, context: RunContext = RunContext(),
    answer: (Question) throws -> (text: String, ids: [Int])
  ) throws -> EvaluationResult {
    let progress = context.progress.begin("Asking", total: set.questions.count)
    defer { progress.finish() }
    var answers = [EvaluationResult.Answer?](repeating: nil, count: set.questions.count)
    for place in set.askingOrder {
      try context.cancellation.check()
      let question = set.questions[place]
      do {
        let (text, ids) = try answer(question)
        answers[place] = EvaluationResult.Answer(question, text: text, ids: ids)
      } catch var error as CogError {
        if error.subject == nil { error.subject = "question \(place + 1) (\(question.video))" }
        throw error
      }
      progress.advance(by: 1, question.video)
    }
    return EvaluationResult(answers: answers.compactMap { $0 })
  }
}
