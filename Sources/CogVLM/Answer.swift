import CogBase
import CogEngine

/// How a question is answered.
public struct AnswerOptions: Equatable, Sendable {
  /// The most tokens of the answer, at least 1.
  public var maximumTokens: Int
  /// 0 takes the likeliest token; above it, tokens are drawn, the more freely the higher it is.
  public var temperature: Double
  /// Tokens are drawn from the likeliest ones whose probabilities reach this sum, above 0 and at most 1.
  public var topP: Double
  /// The same seed gives the same answer.
  public var seed: UInt64

  /// Options; by default the likeliest tokens, at most 256.
  public init(maximumTokens: Int = 256, temperature: Double = 0, topP: Double = 1, seed: UInt64 = 0) {
    (self.maximumTokens, self.temperature, self.topP, self.seed) = (maximumTokens, temperature, topP, seed)
  }

  func resolved() throws -> CogEngine.AnswerOptions {
    guard maximumTokens > 0 else {
      throw CogError(
        "the most tokens of an answer are out of range", expected: "1 or more", found: "\(maximumTokens)")
    }
    return CogEngine.AnswerOptions(
      maximumNewTokens: maximumTokens,
      sampling: try SamplingOptions(temperature: temperature, topP: topP, seed: seed))
  }
}

/// An answer with its counts and times.
public struct Answer: Equatable, Sendable {
  /// The text, white space at both ends removed.
  public let text: String
  /// Whether the model ended the answer itself; false where the limit of tokens or the context did.
  public let isComplete: Bool
  /// Tokens of the prompt, those of the frames included.
  public let promptTokens: Int
  /// Tokens of the answer.
  public let tokens: Int
  /// Seconds for the prompt, up to the first token.
  public let promptSeconds: Double
  /// Seconds for all tokens after the first.
  public let answerSeconds: Double

  init(_ answer: CogEngine.Answer) {
    text = answer.text
    isComplete = answer.ending == .endOfText
    promptTokens = answer.promptTokens
    tokens = answer.ids.count
    promptSeconds = answer.prefillSeconds
    answerSeconds = answer.decodeSeconds
  }
}
