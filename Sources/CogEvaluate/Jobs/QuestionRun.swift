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
  ///   - profile: the words around the questions.
  ///   - cache: where features are kept; nil keeps none.
  ///   - videoPath: where an item's video is.
  ///   - openVideo: an item's video, or its part of it.
  /// - Throws: as ``run(context:deadline:videoPath:open:ask:failed:)``.
  package mutating func run(
    engine: Engine, template: PromptTemplate?, profile: PromptProfile, sampling: FrameSampling?,
    options: AnswerOptions, deadline: ItemDeadline?, cache: FeatureCache? = nil,
    videoPath: @escaping (RunItem) -> String, openVideo: (RunItem) throws -> VideoInput,
    failed tell: (RunItem, CogError) -> Void
  ) throws {
    let encoder = VideoEncoder(engine, cache: cache)
    try run(context: engine.context, deadline: deadline, videoPath: videoPath) { item in
      let features = try encoder.encode(openVideo(item), template: template, sampling: sampling)
      return Conversation(engine, about: features, template: template)
    } ask: { item, conversation in
      let answer = try conversation.answer(profile.prompt(for: item), options: options)
      return RunReply(
        text: profile.reply(answer.text), ids: answer.ids, frames: conversation.features?.frames ?? [],
        promptSeconds: answer.prefillSeconds, replySeconds: answer.decodeSeconds)
    } failed: {
      tell($0, $1)
    }
  }
}
