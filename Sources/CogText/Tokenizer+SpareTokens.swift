package import CogModel

extension Tokenizer {
  /// The tokens that a model may never have been trained with.
  package var spareTokens: SpareTokens {
    SpareTokens(
      added: Set((0..<vocabularySize).filter { tokens.kind($0).contains(.added) }),
      tokenCount: vocabularySize)
  }
}
