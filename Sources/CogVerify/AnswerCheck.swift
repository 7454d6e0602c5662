import CogCompute
import CogEngine

/// Compares the engine's choice with the reference's at every step of an answer, under the reference's prefix.
///
/// A mismatch counts where the reference's gap between its two best logits exceeds what the logits' error can turn
/// around, twice that error, or where the engine itself puts its choice further than that above the reference's
/// (`Formats/references.md`, "Answers"). The gap is the step's own margin where the bundle has it, the gap in the
/// bundle's logits for the first step, or else the smallest margin of the whole answer.
struct AnswerCheck {
  let referenceIDs: [Int]
  let minimumMargin: Double
  let margins: [Double]?
  /// The reference's logits of the first step, where the bundle has them.
  let firstLogits: FloatMatrix?
  /// The largest absolute error of the logits at the last position of the prompt, and at least one rounding step
  /// of the largest logit.
  let logitError: Double

  private(set) var ids: [Int] = []
  private(set) var passed = true

  init(bundle: ReferenceBundle, referenceIDs: [Int], firstLogits: FloatMatrix?, logitError: Double) {
    self.referenceIDs = referenceIDs
    minimumMargin = bundle.minimumMargin
    margins = bundle.margins
    self.firstLogits = firstLogits
    self.logitError = logitError
  }

  /// Looks at the logits of the next step.
  mutating func compare(_ logits: FloatMatrix) {
    let step = ids.count
    let row = UnsafeBufferPointer(logits.row(0))
    let chosen = Sampler.mostLikely(row)
    ids.append(chosen)
    let expected = referenceIDs[step]
    guard chosen != expected else { return }
    let movedApart = Double(row[chosen] - row[expected])
    // NaN compares false: a step without usable logits must fail, so the passing case is the one spelled out.
    let isExcused = referenceMargin(step) <= 2 * logitError && movedApart <= 2 * logitError
    if !isExcused { passed = false }
  }

  private func referenceMargin(_ step: Int) -> Double {
    if let margins, step < margins.count { return margins[step] }
    if step == 0, let firstLogits {
      return Double(Session.margin(UnsafeBufferPointer(firstLogits.row(0))))
    }
    return minimumMargin
  }
}
