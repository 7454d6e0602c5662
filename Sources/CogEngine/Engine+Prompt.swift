package import CogText

extension Engine {
  /// The prompt of a question in this model's vocabulary.
  ///
  /// - Parameters:
  ///   - template: the template's name; nil takes the model's own.
  ///   - frameCount: frames of the video; 0 without one.
  ///   - history: earlier turns, the oldest first.
  /// - Throws: `CogError` when the template is unknown or has no place for a history.
  package func prompt(template: String? = nil, frameCount: Int, history: [Turn] = [], query: String) throws
    -> Prompt
  {
    try Prompt(
      tokenizer: tokenizer, template: PromptTemplate(named: template ?? configuration.template),
      frameCount: frameCount, history: history, query: query, beginOfTextID: configuration.beginOfTextID,
      padID: configuration.padID, tokensPerFrame: configuration.vision.tokensPerFrame)
  }
}
