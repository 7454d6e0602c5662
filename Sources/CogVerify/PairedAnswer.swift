import CogBase
import CogCompute
import CogEngine
import CogText

/// Two models answering one question: the reference freely, the tested one under the reference's prefix, and
/// then freely from where the two part.
struct PairedAnswer {
  /// The tested model, which has read the prompt.
  let own: Session
  /// The reference, which has read it too.
  let other: Session
  let reference: Engine
  let maximumNewTokens: Int

  /// - Parameter logits: what the prompt gave.
  func run(
    _ query: String, logits: (tested: FloatMatrix, reference: FloatMatrix)
  ) throws -> ModelComparisonReport.Question {
    var (tested, expected) = logits
    let error = AnswerCheck.logitError(tested, reference: expected, mode: reference.compute.mode)
    let check = AnswerCheck(logitError: error)
    var steps: [AnswerStep] = []
    var predictions: [Prediction] = []
    while true {
      let id = Sampler.mostLikely(UnsafeBufferPointer(expected.row(0)))
      let gap = Double(Session.margin(UnsafeBufferPointer(expected.row(0))))
      let (chosen, agreement) = check.compare(tested, reference: id, gap: gap)
      predictions.append(
        Prediction(tested, reference: expected, id: id, agrees: agreement == .equal))
      steps.append(
        AnswerStep(
          id: chosen, referenceId: id, text: try text([chosen], skipSpecial: false),
          referenceText: try text([id], skipSpecial: false), gap: gap, agreement: agreement))
      guard !endOfText.contains(id), steps.count < maximumNewTokens, other.remaining > 0 else { break }
      tested = try own.step(id)
      expected = try other.step(id)
    }
    let parting = steps.firstIndex { $0.id != $0.referenceId }
    let ids = try freeAnswer(steps, parting: parting)
    let referenceIDs = steps.map(\.referenceId)
    return ModelComparisonReport.Question(
      video: nil, task: nil, question: query, passed: steps.allSatisfy { $0.agreement != .mismatch },
      referenceAnswer: try text(referenceIDs, skipSpecial: true), answer: try text(ids, skipSpecial: true),
      referenceIds: referenceIDs, ids: ids, logitError: error,
      flip: parting.map { .init(position: $0, gap: steps[$0].gap ?? .nan) },
      divergence: Divergence(predictions), klDivergences: predictions.map(\.divergence),
      logProbabilities: predictions.map(\.logProbability),
      referenceLogProbabilities: predictions.map(\.referenceLogProbability), steps: steps)
  }

  private var endOfText: [Int] { reference.configuration.endOfTextIDs }

  /// The tested model's own answer: as far as it agrees it has the reference's prefix anyway.
  ///
  /// - Parameter parting: the first step where it does not.
  private func freeAnswer(_ steps: [AnswerStep], parting: Int?) throws -> [Int] {
    guard let parting else { return steps.map(\.referenceId) }
    var ids = steps[..<parting].map(\.referenceId) + [steps[parting].id]
    own.truncate(toGenerated: parting)
    while let last = ids.last, !endOfText.contains(last), ids.count < maximumNewTokens, own.remaining > 0 {
      let logits = try own.step(last)
      ids.append(Sampler.mostLikely(UnsafeBufferPointer(logits.row(0))))
    }
    return ids
  }

  private func text(_ ids: [Int], skipSpecial: Bool) throws -> String {
    let text = try reference.tokenizer.decode(ids, skipSpecial: skipSpecial)
    return skipSpecial ? text.trimmingWhitespace() : text
  }
}
