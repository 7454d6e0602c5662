package import CogBase
package import CogCompute
package import CogModel
package import CogText

/// What is asked, besides the video.
package struct AnswerRequest: Sendable {
  /// The question.
  package var query: String
  /// Earlier turns, the oldest first.
  package var history: [Turn]
  /// The prompt template; nil takes the model's own.
  package var template: PromptTemplate?
  /// The most tokens to make.
  package var maximumNewTokens: Int
  /// How tokens are chosen.
  package var sampling: SamplingOptions

  /// A request.
  package init(
    query: String, history: [Turn] = [], template: PromptTemplate? = nil, maximumNewTokens: Int = 256,
    sampling: SamplingOptions = .greedy
  ) {
    self.query = query
    self.history = history
    self.template = template
    self.maximumNewTokens = maximumNewTokens
    self.sampling = sampling
  }
}

/// An answer with its counts and times.
package struct Answer: Equatable, Sendable, Codable {
  /// The text, white space at both ends removed.
  package var text: String
  /// The ids, with the end-of-text id when the model ended the answer itself.
  package var ids: [Int]
  /// For each id, the gap between the two largest logits.
  package var margins: [Float]
  /// Why the answer ended.
  package var ending: GeneratedTokens.Ending
  /// Tokens of the prompt, image features included.
  package var promptTokens: Int
  /// Seconds for the prompt.
  package var prefillSeconds: Double
  /// Seconds for all tokens after the first.
  package var decodeSeconds: Double
}

extension Engine {
  /// Answers a question.
  ///
  /// - Parameters:
  ///   - features: the image features of ``VisionTower/forward(_:progress:)``, or nil without a video.
  ///   - emit: receives the text as it grows, in whole characters.
  /// - Throws: `CogError` when prompt and answer cannot fit the model's context; an interrupt; what `emit`
  ///   throws.
  package func answer(
    _ request: AnswerRequest, features: FloatMatrix?, progress: Progress? = nil,
    emit: (String) throws -> Void = { _ in }
  ) throws -> Answer {
    let frameCount = (features?.rows ?? 0) / configuration.vision.tokensPerFrame
    let prompt = try prompt(
      template: request.template, frameCount: frameCount, history: request.history, query: request.query)
    guard prompt.count < configuration.contextLength else {
      throw CogError(
        "the prompt does not leave room for an answer in the model's context",
        expected: "fewer than \(configuration.contextLength) tokens",
        found: "\(prompt.count) (\(frameCount) frames and the text)",
        advice: "Use a shorter question or fewer frames.")
    }
    let room = configuration.contextLength - prompt.count
    let capacity = prompt.count + min(max(request.maximumNewTokens, 0), room)
    let session = try Session(self, capacity: capacity)
    let start = ContinuousClock.now
    let logits = try session.prefill(
      ModelInput(
        ids: prompt.ids, tokenTypes: prompt.tokenTypes, positions: prompt.positions, features: features),
      progress: progress)
    let prefillEnd = ContinuousClock.now
    var decoder = StreamingDecoder(tokenizer)
    let tokens = try session.generate(
      from: logits, maximumNewTokens: request.maximumNewTokens, endOfTextID: configuration.endOfTextID,
      sampling: request.sampling
    ) { try emit(decoder.append($0)) }
    try emit(decoder.flush())
    let text = try tokenizer.decode(tokens.ids, skipSpecial: true)
    return Answer(
      text: text.trimmingWhitespace(), ids: tokens.ids, margins: tokens.margins, ending: tokens.ending,
      promptTokens: prompt.count, prefillSeconds: (prefillEnd - start).seconds,
      decodeSeconds: (ContinuousClock.now - prefillEnd).seconds)
  }
}

extension String {
  /// The text without white space at both ends.
  func trimmingWhitespace() -> String {
    var part = self[...]
    while part.first?.isWhitespace == true { part.removeFirst() }
    while part.last?.isWhitespace == true { part.removeLast() }
    return String(part)
  }
}
