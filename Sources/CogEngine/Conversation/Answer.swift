/// How a question is answered.
package struct AnswerOptions: Sendable {
  /// The most tokens to make.
  package var maximumNewTokens: Int
  /// How tokens are chosen.
  package var sampling: SamplingOptions

  /// Options; by default the likeliest tokens, at most 256.
  package init(maximumNewTokens: Int = 256, sampling: SamplingOptions = .greedy) {
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

  /// An answer.
  package init(
    text: String, ids: [Int], margins: [Float], ending: GeneratedTokens.Ending, promptTokens: Int,
    prefillSeconds: Double, decodeSeconds: Double
  ) {
    (self.text, self.ids, self.margins, self.ending) = (text, ids, margins, ending)
    (self.promptTokens, self.prefillSeconds) = (promptTokens, prefillSeconds)
    self.decodeSeconds = decodeSeconds
  }
}
