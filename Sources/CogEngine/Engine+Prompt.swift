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
      tokenizer: tokenizer, template: template ?? configuration.template,
      frameCount: frameCount, history: history, query: query, beginOfTextID: configuration.beginOfTextID,
      padID: configuration.padID, tokensPerFrame: configuration.vision.tokensPerFrame)
  }
}
