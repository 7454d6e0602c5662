package import CogCompute
import Foundation

/// How far two models' predictions of the next token are apart over positions. Formulas:
/// `Formats/references.md`, "Measures".
package struct Divergence: Equatable, Sendable, Codable {
  /// Positions that were compared.
  package var positions: Int
  /// Mean over the positions of the Kullback-Leibler divergence from the reference, in nats.
  package var meanKL: Double
  /// The 99th percentile of the positions' divergences, between two positions interpolated linearly.
  package var percentile99KL: Double
  /// The largest of them.
  package var maxKL: Double
  /// Share of the positions where both have their highest logit at the same id.
  package var top1Agreement: Double

  /// The figures over positions. Of none, the divergences are 0 and the agreement is 1. One that is NaN makes
  /// all divergences NaN.
  ///
  /// - Parameters:
  ///   - divergences: of each position, in nats.
  ///   - agreements: how many of them have the same highest logit.
  package init(divergences: [Double], agreements: Int) {
    positions = divergences.count
    top1Agreement = divergences.isEmpty ? 1 : Double(agreements) / Double(divergences.count)
    guard !divergences.contains(where: \.isNaN) else {
      (meanKL, percentile99KL, maxKL) = (.nan, .nan, .nan)
      return
    }
    meanKL = divergences.isEmpty ? 0 : divergences.reduce(0, +) / Double(divergences.count)
    maxKL = divergences.max() ?? 0
    percentile99KL = Self.percentile(divergences.sorted(), 0.99)
  }

  /// The value below which a share of sorted values lies, interpolated linearly as numpy's default does.
  static func percentile(_ sorted: [Double], _ share: Double) -> Double {
    guard let last = sorted.last else { return 0 }
    let place = share * Double(sorted.count - 1)
    let lower = Int(place)
    guard lower + 1 < sorted.count else { return last }
    // Equal neighbors, infinite ones too, have nothing between them.
    let (low, high) = (sorted[lower], sorted[lower + 1])
    return low == high ? low : low + (high - low) * (place - Double(lower))
  }

  /// `sum_i q_i (log q_i - log r_i)` in nats, `q` the softmax of the reference's logits and `r` of the tested
  /// ones.
  ///
  /// - Parameters:
  ///   - tested: `[1, vocabulary]`.
  ///   - reference: `[1, vocabulary]`.
  package static func ofLogits(_ tested: FloatMatrix, reference: FloatMatrix) -> Double {
    let a = UnsafeBufferPointer(tested.row(0))
    let b = UnsafeBufferPointer(reference.row(0))
    let (normA, normB) = (logSumExp(a), logSumExp(b))
    var sum = 0.0
    for index in 0..<min(a.count, b.count) {
      let logQ = Double(b[index]) - normB
      let q = exp(logQ)
      // A token that the reference rules out adds nothing, whatever the other says of it.
      if q != 0 { sum += q * (logQ - (Double(a[index]) - normA)) }
    }
    // Rounding may put equal distributions a hair below 0.
    return sum < 0 ? 0 : sum
  }

  private static func logSumExp(_ logits: UnsafeBufferPointer<Float>) -> Double {
    let peak = Double(logits.max() ?? 0)
    var sum = 0.0
    for logit in logits { sum += exp(Double(logit) - peak) }
    return peak + log(sum)
  }
}
