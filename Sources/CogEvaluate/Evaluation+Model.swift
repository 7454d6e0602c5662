package import CogEngine
package import CogMedia
package import CogModel

extension Evaluation {
  /// Opens every video and chooses its frames, without decoding any: what cannot be asked about is known
  /// before the first question is.
  ///
  /// - Parameters:
  ///   - template: the form of the questions; nil takes the model's own.
  ///   - sampling: which frames the model is shown; nil takes the template's.
  ///   - openVideo: the video at a path.
  /// - Throws: what the context's cancellation throws.
  package mutating func checkVideos(
    engine: Engine, template: PromptTemplate? = nil, sampling: FrameSampling? = nil,
    openVideo: (String) throws -> VideoInput
  ) throws {
    let encoder = VideoEncoder(engine)
    try checkVideos(context: engine.context) { path in
      _ = try encoder.select(openVideo(path), template: template, sampling: sampling)
    }
  }

  /// Asks a model every question that has no answer yet and scores the answers. Each video is encoded once.
  ///
  /// - Parameters: as of ``checkVideos(engine:template:sampling:openVideo:)``.
  ///   - cache: where features are kept; nil keeps none.
  /// - Throws: what the context's cancellation throws. The answers until then are in ``result``.
  package mutating func run(
    engine: Engine, template: PromptTemplate? = nil, sampling: FrameSampling? = nil, options: AnswerOptions,
    cache: FeatureCache? = nil, openVideo: (String) throws -> VideoInput
  ) throws {
    let encoder = VideoEncoder(engine, cache: cache)
    try run(context: engine.context) { path in
      let features = try encoder.encode(openVideo(path), template: template, sampling: sampling)
      return Conversation(engine, about: features, template: template)
    } answer: { question, conversation in
      let answer = try conversation.answer(question.question, options: options)
      return EvaluatedAnswer(
        question, text: answer.text, ids: answer.ids,
        damagedFrames: conversation.features?.frames.damaged)
    }
  }
}
