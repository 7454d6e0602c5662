package import CogBase
package import CogCompute

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
  private let language: LanguageModel
  private let cache: KeyValueCache
  private var promptCount = 0
  private var lastPromptPosition = -1

  /// A session with an empty cache.
  ///
  /// - Parameter capacity: tokens of prompt and answer together; nil takes the model's context length.
  /// - Throws: ``CogError`` when `capacity` exceeds the model's context length.
  package convenience init(_ engine: Engine, capacity: Int? = nil) throws {
    let limit = engine.configuration.contextLength
    let capacity = capacity ?? limit
    guard capacity <= limit else {
      throw CogError(
        "prompt and answer exceed the model's context", expected: "at most \(limit) tokens",
        found: "\(capacity)",
        advice: "Ask for fewer new tokens, or use a shorter question or fewer frames.")
    }
    self.init(engine.language, capacity: capacity)
  }

  /// A session of `capacity` tokens, be it more than the model was trained for.
  package init(_ language: LanguageModel, capacity: Int) {
    self.language = language
    cache = language.makeCache(capacity: capacity)
  }

  /// Tokens that fit, prompt and answer together.
  package var capacity: Int { cache.capacity }

  /// Tokens that still fit.
  package var remaining: Int { cache.remaining }

  /// A pass through a whole prompt, not begun yet: for who walks it stage by stage.
  ///
  /// - Parameter lastOnly: whether no tap of the last layer or the final norm is wanted but the last token's.
  /// - Throws: ``CogError`` when the prompt is empty or does not fit the context.
  package func begin(
    _ input: ModelInput, lastOnly: Bool = false, progress: (any ProgressTask)? = nil
  ) throws -> ForwardPass {
    let embeddings = try language.embedding(
      ids: input.ids, tokenTypes: input.tokenTypes, features: input.features)
    let pass = try language.pass(
      embeddings, positions: input.positions, cache: cache, lastOnly: lastOnly, progress: progress)
    promptCount = cache.count + input.ids.count
    lastPromptPosition = input.positions.last ?? -1
    return pass
  }

  /// Runs a whole prompt.
  ///
  /// - Parameters:
  ///   - progress: a task that counts each stage as one unit.
  ///   - tap: receives the values of the language model's tap points.
  /// - Returns: the logits of the first token of the answer, `[1, vocabulary]`.
  /// - Throws: as ``begin(_:lastOnly:progress:)``; what `tap` throws; an interrupt.
  package func prefill(
    _ input: ModelInput, progress: (any ProgressTask)? = nil, tap: TapHandler? = nil
  ) throws -> FloatMatrix {
    var pass = try begin(input, lastOnly: tap == nil, progress: progress)
    return try pass.run(tap: tap)
  }

  /// Runs tokens that prompts begin with, before the rest of one: for what is kept of them.
  ///
  /// - Parameter progress: a task that counts each layer as one unit.
  /// - Throws: as ``begin(_:lastOnly:progress:)``; an interrupt.
  package func read(_ input: ModelInput, progress: (any ProgressTask)? = nil) throws {
    let embeddings = try language.embedding(
      ids: input.ids, tokenTypes: input.tokenTypes, features: input.features)
    var pass = try language.reading(
      embeddings, positions: input.positions, cache: cache, progress: progress)
    _ = try pass.run()
  }

  /// Runs one generated token.
  ///
  /// - Returns: the logits of the next one, `[1, vocabulary]`.
  /// - Throws: ``CogError`` when the context is full; an interrupt.
  package func step(_ id: Int) throws -> FloatMatrix {
    let embedded = try language.embedding(ids: [id], tokenTypes: [0], features: nil)
    var pass = try language.pass(embedded, positions: [nextPosition], cache: cache, lastOnly: true)
    return try pass.run()
  }

  /// Tokens of the answer that the model has been given.
  package var generatedCount: Int { cache.count - promptCount }

  /// The rotary position of the next token: each generated token adds 1 to the one before it.
  private var nextPosition: Int { lastPromptPosition + 1 + generatedCount }

  /// Forgets all tokens of the answer but the first `count`: what comes next takes their places.
  package func truncate(toGenerated count: Int) { cache.truncate(to: promptCount + count) }

  /// Forgets all tokens but the first `count`, of prompt and answer together: another prompt that begins with
  /// them can be gone on with.
  package func truncate(to count: Int) { cache.truncate(to: count) }
}
