package import CogBase
package import CogEngine
package import CogMedia
package import CogModel

extension ShardedRun {
  /// Asks a model what is to be asked; each video, or each piece of one, is encoded once.
  ///
  /// - Parameters:
  ///   - template: the form of the questions; nil takes the model's own.
  ///   - sampling: which frames the model is shown; nil takes the template's.
  ///   - cache: where features are kept; nil keeps none.
  ///   - openVideo: an item's video.
  /// - Throws: as ``run(context:deadline:open:ask:failed:)``.
  package mutating func run(
    engine: Engine, template: PromptTemplate?, sampling: FrameSampling?, options: AnswerOptions,
    deadline: ItemDeadline?, cache: FeatureCache? = nil,
    openVideo: (RunItem) throws -> VideoInput,
    failed tell: (RunItem, CogError) -> Void
  ) throws {
    let encoder = VideoEncoder(engine, cache: cache)
    try run(context: engine.context, deadline: deadline) { item in
      let features = try encoder.encode(
        openVideo(item), template: template, sampling: sampling, window: item.window)
      return Conversation(engine, about: features, template: template)
    } ask: { item, conversation in
      let answer = try conversation.answer(item.question, options: options)
      return RunReply(
        text: answer.text, ids: answer.ids, frames: conversation.features?.frames ?? [],
        promptSeconds: answer.prefillSeconds, replySeconds: answer.decodeSeconds)
    } failed: {
      tell($0, $1)
    }
  }
}

extension EvaluationResult {
  /// What items and their lines give, scored; items without a line are not among the answers.
  ///
  /// - Parameter items: questions with a true answer.
  package init(_ items: [RunItem], _ records: [String: RunRecord]) {
    let answers = items.compactMap { item in
      records[item.key].map { EvaluatedAnswer(Question(item), $0) }
    }
    self.init(answers: answers, questions: items.count)
  }
}

extension Question {
  fileprivate init(_ item: RunItem) {
    self.init(
      video: item.video, task: item.task ?? "", question: item.question, candidates: item.candidates,
      answer: item.answer ?? "")
  }
}
