import CogBase
package import CogCompute
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
  private let beginning = VideoBeginning()

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
    try prompt.requireRoom(inContext: engine.configuration.contextLength, turns: history.count)
    return prompt
  }

  /// Answers a question and remembers both for the next one, as ``remember(_:)`` does.
  ///
  /// - Throws: as ``answer(_:options:emit:)``; the turn is not remembered then.
  package mutating func ask(
    _ question: String, options: AnswerOptions = AnswerOptions(), emit: (String) throws -> Void = { _ in }
  ) throws -> Answer {
    let answer = try answer(question, options: options, emit: emit)
    remember(Turn(question: question, answer: answer.text))
    return answer
  }

  /// Tells the model of a turn before the next question, where the template has a place for that.
  package mutating func remember(_ turn: Turn) {
    if template.takesHistory { history.append(turn) }
  }

  /// Forgets all turns, but not what was read of the video.
  package mutating func forget() { history = [] }

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
    let start = ContinuousClock.now
    let (session, logits) = try read(prompt, newTokens: options.maximumNewTokens)
    // What was read of the video serves the next question, whatever becomes of this one.
    defer { keep(session, after: prompt) }
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

  /// Reads a prompt.
  ///
  /// Of a prompt with a video the frames are read first, and the text after them: text has no part in what
  /// the frames are to the model, not by the rounding of attention either, so that what was read of them for
  /// one question serves the next, and gives it the same bits as reading them anew.
  ///
  /// - Parameter newTokens: of the answer to come.
  /// - Returns: a session at the prompt's end, and the logits of the first token of the answer.
  /// - Throws: `CogError` when the prompt does not fit; what the context's cancellation throws.
  package func read(_ prompt: Prompt, newTokens: Int) throws -> (session: Session, logits: FloatMatrix) {
    let length = engine.configuration.contextLength
    let hasBeginning = prompt.hasBeginning
    let kept = hasBeginning ? beginning.take() : nil
    let room = min(max(newTokens, 0), length - prompt.count)
    let session = try kept ?? Session(engine, capacity: hasBeginning ? length : prompt.count + room)
    let isNew = hasBeginning && kept == nil
    let stages = engine.language.stageCount + (isNew ? engine.language.readingStageCount : 0)
    let progress = engine.context.progress.begin("Reading the prompt", total: stages)
    defer { progress.finish() }
    guard hasBeginning else {
      return (session, try session.prefill(ModelInput(prompt, features: features), progress: progress))
    }
    let split = prompt.videoCount
    if isNew {
      try session.read(ModelInput(prompt, 0..<split, features: features), progress: progress)
    }
    do {
      let rest = ModelInput(prompt, split..<prompt.count, features: nil)
      return (session, try session.prefill(rest, progress: progress))
    } catch {
      beginning.keep(session, after: prompt)
      throw error
    }
  }

  /// Keeps what a session has read of the video for the next question. It must not be used any more.
  package func keep(_ session: Session, after prompt: Prompt) { beginning.keep(session, after: prompt) }
}
