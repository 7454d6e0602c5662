package import CogBase
package import CogCompute
import CogModel

/// What the language model is given: token ids with their types and positions, and the image features.
package struct ModelInput {
  /// Token ids; the pad id where an image feature goes.
  package var ids: [Int]
  /// 1 where an image feature goes, 0 for text.
  package var tokenTypes: [Int]
  /// Rotary positions.
  package var positions: [Int]
  /// One row for each 1 in `tokenTypes`, in order.
  package var features: FloatMatrix?

  /// An input of one prompt.
  package init(ids: [Int], tokenTypes: [Int], positions: [Int], features: FloatMatrix?) {
    self.ids = ids
    self.tokenTypes = tokenTypes
    self.positions = positions
    self.features = features
  }
}

/// One conversation with the language model: the prompt goes in at once, then tokens one by one.
package final class Session {
  private let engine: Engine
  private let cache: KeyValueCache
  private var nextPosition = 0

  /// A session with an empty cache.
  ///
  /// - Parameter capacity: tokens of prompt and answer together; nil takes the model's context length.
  /// - Throws: ``CogError`` when `capacity` exceeds the model's context length.
  package init(_ engine: Engine, capacity: Int? = nil) throws {
    let limit = engine.configuration.contextLength
    let capacity = capacity ?? limit
    guard capacity <= limit else {
      throw CogError(
        "prompt and answer exceed the model's context", expected: "at most \(limit) tokens",
        found: "\(capacity)",
        advice: "Ask for fewer new tokens, or use a shorter question or fewer frames.")
    }
    self.engine = engine
    cache = engine.language.makeCache(capacity: capacity)
  }

  /// Tokens that still fit.
  package var remaining: Int { cache.capacity - cache.count }

  /// Runs a whole prompt.
  ///
  /// - Parameter tap: receives the language model's points; ``TapPoint/finalNorm`` has all rows.
  /// - Returns: the logits of the last position, `[1, vocabulary]`.
  /// - Throws: ``CogError`` when the prompt is empty or does not fit the context.
  package func prefill(_ input: ModelInput, progress: Progress? = nil, tap: TapHandler? = nil) throws
    -> FloatMatrix
  {
    guard let last = input.positions.last, input.positions.count == input.ids.count else {
      throw CogError("the prompt is empty")
    }
    let language = engine.language
    let embedded = try language.embeddings(
      ids: input.ids, tokenTypes: input.tokenTypes, features: input.features)
    let hidden = try language.forward(
      embedded, positions: input.positions, cache: cache, lastOnly: tap == nil, progress: progress, tap: tap)
    nextPosition = last + 1
    if let tap { try tap(Tap(point: .finalNorm, value: language.finalNorm(hidden))) }
    let logits = try language.head(language.finalNorm(hidden.sharedRows(hidden.rows - 1..<hidden.rows)))
    try tap?(Tap(point: .head, value: logits))
    return logits
  }

  /// Runs one generated token.
  ///
  /// - Returns: the logits of the next one, `[1, vocabulary]`.
  /// - Throws: ``CogError`` when the context is full.
  package func step(_ id: Int) throws -> FloatMatrix {
    let language = engine.language
    let embedded = try language.embeddings(ids: [id], tokenTypes: [0], features: nil)
    let hidden = try language.forward(embedded, positions: [nextPosition], cache: cache)
    nextPosition += 1
    return try language.head(language.finalNorm(hidden))
  }
}
