package import CogEngine
package import CogMedia
package import CogModel

extension Evaluation {
  /// Asks a model every question of a set and scores the answers. Each video is encoded once.
  ///
  /// - Parameters:
  ///   - template: the form of the questions; nil takes the model's own.
  ///   - openVideo: the video at a path.
  /// - Throws: `CogError` when a video cannot be read or a prompt does not fit the model's context, with the
  ///   number of its question; what the context's cancellation and `openVideo` throw.
  package static func run(
    _ set: QuestionSet, engine: Engine, template: PromptTemplate? = nil, options: AnswerOptions,
    openVideo: (String) throws -> VideoInput
  ) throws -> EvaluationResult {
    let encoder = VideoEncoder(engine)
    // All questions of a video follow each other, so the features of one video are enough to keep.
    var current: (video: String, conversation: Conversation)?
    return try run(set, context: engine.context) { question in
      let conversation: Conversation
      if let current, current.video == question.video {
        conversation = current.conversation
      } else {
        // The features of the video before go first: they are not held while the next ones are made.
        current = nil
        let features = try encoder.encode(openVideo(set.videoPath(of: question)), template: template)
        conversation = Conversation(engine, about: features, template: template)
        current = (question.video, conversation)
      }
      let answer = try conversation.answer(question.question, options: options)
      return (answer.text, answer.ids)
    }
  }
}
