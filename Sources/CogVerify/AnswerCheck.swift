import CogCompute
import CogEngine
import CogModel

/// Compares the engine's choice with the reference's at every step of an answer, under the reference's
/// prefix.
///
/// A mismatch counts where the reference's gap between its two best logits exceeds what the logits' error can
/// turn around, twice that error, or where the engine itself puts its choice further than that above the
/// reference's (`Formats/references.md`, "Comparing answers").
struct AnswerCheck {
  /// The largest absolute error of the logits at the last position of the prompt, and at least one rounding
  /// step of the largest logit.
  let logitError: Double

  /// The engine's choice at a step, and whether it agrees with the reference's.
  ///
  /// - Parameters:
  ///   - gap: between the reference's two highest logits.
  func compare(_ logits: FloatMatrix, reference expected: Int, gap: Double) -> (id: Int, AnswerStep.Agreement)
  {
    let row = UnsafeBufferPointer(logits.row(0))
    let chosen = Sampler.mostLikely(row)
    guard chosen != expected else { return (chosen, .equal) }
    let movedApart = Double(row[chosen] - row[expected])
    // NaN compares false: a step without usable logits must fail, so the passing case is the one spelled out.
    let isExcused = gap <= 2 * logitError && movedApart <= 2 * logitError
    return (chosen, isExcused ? .excused : .mismatch)
  }

  /// What the gap between two logits can be off by on one side, from the logits of the prompt's last
  /// position.
  ///
  /// - Parameter mode: the reference's; its rounding is the least that logits can be off by.
  static func logitError(_ logits: FloatMatrix, reference: FloatMatrix, mode: ComputeMode) -> Double {
    let rounding = mode == .bfloat16 ? 0x1p-8 : 0x1p-23
    return max(
      Measures(logits, reference: reference).maxAbs, rounding * Double(reference.values.map(abs).max() ?? 0))
  }
}

/// The gaps between a bundle's two highest logits: the step's own margin where the bundle has it, the gap in
/// the bundle's logits for the first step, or else nothing but the smallest margin of the whole answer.
struct ReferenceGaps {
  let margins: [Double]?
  let firstLogits: FloatMatrix?
  let minimum: Double

  /// The gap of a step; nil where it is only known to be no smaller than ``minimum``.
  func known(_ step: Int) -> Double? {
    if let margins, step < margins.count { return margins[step] }
    guard step == 0, let firstLogits else { return nil }
    return Double(Session.margin(UnsafeBufferPointer(firstLogits.row(0))))
  }
}
