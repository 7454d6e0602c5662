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

extension Prompt {
  /// Makes sure that a context of so many tokens has room for the prompt and at least one token of an answer.
  ///
  /// - Throws: `CogError` when it has not.
  package func requireRoom(inContext length: Int) throws {
    guard count < length else {
      throw CogError(
        "the prompt does not leave room for an answer in the model's context",
        expected: "fewer than \(length) tokens", found: "\(count) (\(frameCount) frames and the text)",
        advice: "Use a shorter question or fewer frames.")
    }
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
