import CogCompute
import CogModel

/// The sums of one tap over all prompts, and its worst prompt.
struct TapSums {
  private var accumulated = MeasureSums()
  private var isolated = MeasureSums()
  private var worst = 0.0
  private var worstIsolated = 0.0
  private var worstPrompt = ""

  mutating func add(
    _ value: FloatMatrix, isolated other: FloatMatrix, reference: FloatMatrix, prompt: String
  ) {
    let error = Self.add(value, reference, to: &accumulated)
    if worstPrompt.isEmpty || error.isNaN || error > worst { worstPrompt = prompt }
    worst = Self.larger(worst, error)
    worstIsolated = Self.larger(worstIsolated, Self.add(other, reference, to: &isolated))
  }

  /// Adds one prompt's value, and returns its relative L2 error.
  private static func add(_ value: FloatMatrix, _ reference: FloatMatrix, to sums: inout MeasureSums)
    -> Double
  {
    var one = MeasureSums()
    one.add(value, reference: reference)
    sums.add(one)
    return one.measures.relativeL2
  }

  /// The larger of two errors; NaN is larger than any.
  private static func larger(_ a: Double, _ b: Double) -> Double { a.isNaN || b.isNaN ? .nan : max(a, b) }

  /// The errors over all prompts, held to the limits.
  func tap(_ point: TapPoint, tolerance: Tolerance) -> ModelComparisonReport.Tap {
    let (own, alone) = (accumulated.measures, isolated.measures)
    // Written so that an error that is not a number does not pass.
    let isolatedPassed = alone.relativeL2 <= tolerance.isolated(point)
    return ModelComparisonReport.Tap(
      point: point, values: accumulated.count, relativeL2: own.relativeL2,
      isolatedRelativeL2: alone.relativeL2, worstRelativeL2: worst, worstIsolatedRelativeL2: worstIsolated,
      worstPrompt: worstPrompt, maxAbs: own.maxAbs, cosine: own.cosine, isolatedPassed: isolatedPassed,
      passed: isolatedPassed && own.relativeL2 <= tolerance.accumulated)
  }
}
