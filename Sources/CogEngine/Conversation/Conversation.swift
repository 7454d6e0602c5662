import CogBase
import CogCompute
package import CogModel
package import CogText

/// Questions about one video, or about none, and their answers.
package struct Conversation: Sendable {
  /// The model that answers.
  package let engine: Engine
  /// The video that is asked about; nil without one.
  package let features: VideoFeatures?
  /// The form of the questions.
  package let template: PromptTemplate
  /// Earlier turns, the oldest first: what the model is told before the next question.
  package private(set) var history: [Turn]

  /// A conversation to begin or to go on with.
  ///
  /// - Parameters:
  ///   - features: what ``VideoEncoder`` makes of a video, with the same template.
  ///   - template: nil takes the model's own.
  ///   - history: earlier turns, the oldest first.
  package init(
    _ engine: Engine, about features: VideoFeatures? = nil, template: PromptTemplate? = nil,
    history: [Turn] = []
  ) {
    self.engine = engine
    self.features = features
    self.template = template ?? engine.configuration.template
    self.history = history
  }

  /// The tokens that the model reads for a question: the frames, the history, the question.
  ///
  /// - Throws: `CogError` when the template has no place for the history, or the model's context none for an
  ///   answer.
  package func prompt(_ question: String) throws -> Prompt {
    let prompt = try engine.prompt(
      template: template, frameCount: features?.frameCount ?? 0, history: history, query: question)
    try prompt.requireRoom(inContext: engine.configuration.contextLength)
    return prompt
  }

  /// Answers a question and remembers both for the next one.
  ///
  /// - Throws: as ``answer(_:options:emit:)``; the turn is not remembered then.
  package mutating func ask(
    _ question: String, options: AnswerOptions = AnswerOptions(), emit: (String) throws -> Void = { _ in }
  ) throws -> Answer {
    let answer = try answer(question, options: options, emit: emit)
    history.append(Turn(question: question, answer: answer.text))
    return answer
  }

  /// Answers a question without remembering it, so that another one can be asked in its place.
  ///
  /// - Parameter emit: receives the text as it grows, in whole characters.
  /// - Throws: `CogError` when prompt and answer cannot fit the model's context; what the context's
  ///   cancellation and `emit` throw.
  package func answer(
    _ question: String, options: AnswerOptions = AnswerOptions(),
    emit: (String) throws -> Void = { _ in }
  ) throws -> Answer {
    let prompt = try prompt(question)
    let room = engine.configuration.contextLength - prompt.count
    let capacity = prompt.count + min(max(options.maximumNewTokens, 0), room)
    let session = try Session(engine, capacity: capacity)
    let start = ContinuousClock.now
    let logits = try prefill(session, prompt)
    let prefillEnd = ContinuousClock.now
    var decoder = StreamingDecoder(engine.tokenizer)
    let tokens = try session.generate(
      from: logits, maximumNewTokens: options.maximumNewTokens,
      endOfText: Set(engine.configuration.endOfTextIDs), sampling: options.sampling
    ) { try emit(decoder.append($0)) }
    try emit(decoder.flush())
    let text = try engine.tokenizer.decode(tokens.ids, skipSpecial: true)
    return Answer(
      text: text.trimmingWhitespace(), ids: tokens.ids, margins: tokens.margins, ending: tokens.ending,
      promptTokens: prompt.count, prefillSeconds: (prefillEnd - start).seconds,
      decodeSeconds: (ContinuousClock.now - prefillEnd).seconds)
  }
  private func prefill(_ session: Session, _ prompt: Prompt) throws -> FloatMatrix {
    let progress = engine.context.progress.begin("Reading the prompt", total: engine.language.stageCount)
    defer { progress.finish() }
    return try session.prefill(ModelInput(prompt, features: features), progress: progress)
  }
}
