import CogBase
package import CogModel
package import CogText

extension Engine {
  /// The prompt of a question in this model's vocabulary.
  ///
  /// - Parameters:
  ///   - template: nil takes the model's own.
  ///   - frameCount: frames of the video; 0 without one.
  ///   - history: earlier turns, the oldest first.
  /// - Throws: `CogError` when the template has no place for a history.
  package func prompt(
    template: PromptTemplate? = nil, frameCount: Int, history: [Turn] = [], query: String
  ) throws -> Prompt {
    try Prompt(
      tokenizer: tokenizer, template: template ?? configuration.template, frameCount: frameCount,
      history: history, query: query, beginOfTextID: configuration.beginOfTextID,
      padID: configuration.padID, tokensPerFrame: configuration.vision.tokensPerFrame)
  }
}

extension Engine {
  /// The most frames that the model has room for besides the shortest question and a token of an answer.
  package func mostFrames(template: PromptTemplate?) throws -> Int {
    let length = configuration.contextLength
    var most = length / max(1, configuration.vision.tokensPerFrame)
    while most > 0, try prompt(template: template, frameCount: most, query: "?").count >= length { most -= 1 }
    return most
  }

  /// Makes sure before long work that each of some questions has room beside so many frames.
  ///
  /// - Throws: `CogError` that names the first one that has not, as ``Conversation/prompt(_:)``.
  package func requireRoom(
    for questions: [String], template: PromptTemplate?, frameCount: Int, history: [Turn]
  ) throws {
    for (number, question) in questions.enumerated() {
      let prompt = try prompt(template: template, frameCount: frameCount, history: history, query: question)
      do {
        try prompt.requireRoom(inContext: configuration.contextLength, turns: history.count)
      } catch var error as CogError {
        if questions.count > 1 { error.subject = "question \(number + 1)" }
        throw error
      }
    }
  }
}

extension Prompt {
  /// Makes sure that a context of so many tokens has room for the prompt and at least one token of an answer.
  ///
  /// - Parameter turns: earlier ones in the text.
  /// - Throws: `CogError` when it has not.
  package func requireRoom(inContext length: Int, turns: Int = 0) throws {
    guard count >= length else { return }
    let earlier = turns == 0 ? "" : ", \(turns) earlier \(turns == 1 ? "turn" : "turns")"
    throw CogError(
      "the prompt does not leave room for an answer in the model's context",
      expected: "fewer than \(length) tokens",
      found: "\(count) (\(frameCount) frames\(earlier) and the text)",
      advice: (turns == 0 ? "Use " : "Tell of fewer earlier turns, or use ")
        + "a shorter question or fewer frames.")
  }
}

extension ModelInput {
  /// Some tokens of a prompt, with the features of the frames where these are among them.
  package init(_ prompt: Prompt, _ range: Range<Int>, features: VideoFeatures?) {
    let types = Array(prompt.tokenTypes[range])
    self.init(
      ids: Array(prompt.ids[range]), tokenTypes: types, positions: Array(prompt.positions[range]),
      features: types.contains(1) ? features?.matrix : nil)
  }

  /// A prompt and the features of its frames.
  package init(_ prompt: Prompt, features: VideoFeatures?) {
    self.init(
      ids: prompt.ids, tokenTypes: prompt.tokenTypes, positions: prompt.positions, features: features?.matrix)
  }
}
