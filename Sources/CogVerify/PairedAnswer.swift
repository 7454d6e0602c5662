import CogBase
import CogCompute
import CogEngine
import CogText

/// One model on its way through a prompt, layer by layer, and through an answer, token by token.
final class Runner {
  let engine: Engine
  let features: FloatMatrix?
  /// The last layer's output, `[tokens, width]`.
  private(set) var value = FloatMatrix(rows: 0, columns: 0)
  /// `[1, vocabulary]`.
  private(set) var logits = FloatMatrix(rows: 0, columns: 0)
  private let cache: KeyValueCache
  private var positions: [Int] = []
  private var fed = 0

  init(_ engine: Engine, features: FloatMatrix?, capacity: Int) {
    self.engine = engine
    self.features = features
    cache = engine.language.makeCache(capacity: capacity)
  }

  func begin(_ prompt: Prompt) throws {
    positions = prompt.positions
    value = try engine.language.embeddings(
      ids: prompt.ids, tokenTypes: prompt.tokenTypes, features: features)
  }

  func layer(_ number: Int) throws {
    value = try engine.language.layer(number, value, positions: positions, cache: cache)
  }

  func finishLayers() throws {
    cache.advance(by: positions.count)
    value = try engine.language.finalNorm(value)
  }

  /// The last row of what the final norm gave.
  var lastRow: FloatMatrix { value.copyRows(value.rows - 1..<value.rows) }

  func finishPrompt() throws { logits = try engine.language.head(lastRow) }

  /// Tokens that still fit.
  var remaining: Int { cache.capacity - cache.count }

  /// Runs one token of the answer.
  func feed(_ id: Int) throws {
    try Interruption.check()
    let language = engine.language
    let x = try language.embeddings(ids: [id], tokenTypes: [0], features: nil)
    let position = (positions.last ?? 0) + 1 + fed
    logits = try language.head(language.finalNorm(language.forward(x, positions: [position], cache: cache)))
    fed += 1
  }

  /// Forgets all tokens of the answer but the first `count`: what is stored next takes their places.
  func rewind(to count: Int) {
    cache.advance(by: count - fed)
    fed = count
  }

  var choice: Int { Sampler.mostLikely(UnsafeBufferPointer(logits.row(0))) }
  var gap: Double { Double(Session.margin(UnsafeBufferPointer(logits.row(0)))) }
}

/// Two models answering one question: the reference freely, the tested one under the reference's prefix, and
/// then freely from where the two part.
struct PairedAnswer {
  let own: Runner
  let other: Runner
  let maximumNewTokens: Int

  func run(_ query: String) throws -> ModelComparisonReport.Question {
    let error = AnswerCheck.logitError(own.logits, reference: other.logits, mode: other.engine.compute.mode)
    let check = AnswerCheck(logitError: error)
    var steps: [AnswerStep] = []
    var divergences: [Double] = []
    while true {
      let expected = other.choice
      let gap = other.gap
      let (chosen, agreement) = check.compare(own.logits, reference: expected, gap: gap)
      divergences.append(Divergence.ofLogits(own.logits, reference: other.logits))
      steps.append(
        AnswerStep(
          id: chosen, referenceId: expected, text: try text([chosen], skipSpecial: false),
          referenceText: try text([expected], skipSpecial: false), gap: gap, agreement: agreement))
      guard expected != endOfTextID, steps.count < maximumNewTokens, other.remaining > 0 else { break }
      try own.feed(expected)
      try other.feed(expected)
    }
    let ids = try freeAnswer(steps)
    let referenceIDs = steps.map(\.referenceId)
    return ModelComparisonReport.Question(
      video: nil, question: query, passed: steps.allSatisfy { $0.agreement != .mismatch },
      referenceAnswer: try text(referenceIDs, skipSpecial: true), answer: try text(ids, skipSpecial: true),
      referenceIds: referenceIDs, ids: ids, logitError: error,
      divergence: Divergence(
        divergences: divergences, agreements: steps.count { $0.agreement == .equal }),
      klDivergences: divergences, steps: steps)
  }

  private var endOfTextID: Int { other.engine.configuration.endOfTextID }

  /// The tested model's own answer: as far as it agrees it has the reference's prefix anyway.
  private func freeAnswer(_ steps: [AnswerStep]) throws -> [Int] {
    guard let parting = steps.firstIndex(where: { $0.id != $0.referenceId }) else {
      return steps.map(\.referenceId)
    }
    var ids = steps[..<parting].map(\.referenceId) + [steps[parting].id]
    own.rewind(to: parting)
    while let last = ids.last, last != endOfTextID, ids.count < maximumNewTokens, own.remaining > 0 {
      try own.feed(last)
      ids.append(own.choice)
    }
    return ids
  }

  private func text(_ ids: [Int], skipSpecial: Bool) throws -> String {
    let text = try other.engine.tokenizer.decode(ids, skipSpecial: skipSpecial)
    return skipSpecial ? text.trimmingWhitespace() : text
  }
}
