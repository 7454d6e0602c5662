package import CogBase
package import CogEngine
package import CogMedia
package import CogModel

extension ShardedRun {
  /// Asks a model the questions of a set that are to be asked; each video is encoded once.
  ///
  /// - Parameters:
  ///   - template: the form of the questions; nil takes the model's own.
  ///   - sampling: which frames the model is shown; nil takes the template's.
  ///   - profile: the words around the questions.
  ///   - openVideo: the video of that name in the list (``RunItem/clip``).
  /// - Throws: as ``run(context:deadline:open:ask:failed:)``.
  package mutating func run(
    engine: Engine, template: PromptTemplate?, profile: PromptProfile, sampling: FrameSampling?,
    options: AnswerOptions, deadline: ItemDeadline?, openVideo: (String) throws -> VideoInput,
    failed tell: (RunItem, CogError) -> Void
  ) throws {
    let encoder = VideoEncoder(engine)
    try run(context: engine.context, deadline: deadline) { name in
      let features = try encoder.encode(openVideo(name), template: template, sampling: sampling)
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
