import CogBase

/// Asks the questions of a set.
package enum Evaluation {
  /// Asks every question and scores the answers.
  ///
  /// All questions of a video are asked one after another, so that `answer` may keep what it made of the
  /// video; the result has the order of the file. Progress is drawn on a terminal.
  ///
  /// - Parameter answer: the model's answer to a question: its text and its token ids.
  /// - Throws: what `answer` throws, a `CogError` without a subject with the question's number put in; and
  ///   `Interruption.Interrupted` after Ctrl-C.
  package static func run(
    _ set: QuestionSet, answer: (Question) throws -> (text: String, ids: [Int])
  ) throws -> EvaluationResult {
    let progress = Progress("Asking", total: set.questions.count)
    defer { progress.finish() }
    var answers = [EvaluationResult.Answer?](repeating: nil, count: set.questions.count)
    for place in set.askingOrder {
      try Interruption.check()
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
