import Foundation

/// How far two models' predictions of the next token are apart over positions, as the field reports it.
/// Formulas: `Formats/references.md`, "Measures".
package struct Divergence: Equatable, Sendable, Codable {
  /// Positions that were compared.
  package var positions: Int
  /// Mean over the positions of the Kullback-Leibler divergence from the reference, in nats.
  package var meanKL: Double
  /// The same mean where no position counts more than ``cap``: few positions can make the mean.
  package var cappedMeanKL: Double
  /// The median of the positions' divergences. Percentiles are interpolated linearly between two positions.
  package var medianKL: Double
  /// The 99th percentile.
  package var percentile99KL: Double
  /// The 99.9th percentile.
  package var percentile999KL: Double
  /// The largest of them.
  package var maxKL: Double
  /// The tested model's perplexity of the reference's answers over the reference's own.
  package var perplexityRatio: Double
  /// Root mean square of the change of the probability of the reference's token, as a share.
  package var rmsDeltaP: Double
  /// Share of the positions where both have their highest logit at the same id.
  package var top1Agreement: Double

  /// What a position counts at most in ``cappedMeanKL``, in nats.
  package static let cap = 1.0

  /// The figures over positions. Of none, the divergences are 0 and the agreement is 1. One that is NaN makes
  /// all divergences NaN.
  package init(_ predictions: [Prediction]) {
    func mean(_ value: (Prediction) -> Double) -> Double {
      predictions.isEmpty ? 0 : predictions.reduce(0) { $0 + value($1) } / Double(predictions.count)
    }
    let sorted = predictions.map(\.divergence).sorted()
    let isKnown = !predictions.contains { $0.divergence.isNaN }
    func percentile(_ share: Double) -> Double { isKnown ? Self.percentile(sorted, share) : .nan }
    positions = predictions.count
    meanKL = mean(\.divergence)
    cappedMeanKL = mean(\.cappedDivergence)
    medianKL = percentile(0.5)
    percentile99KL = percentile(0.99)
    percentile999KL = percentile(0.999)
    maxKL = percentile(1)
    perplexityRatio = exp(mean(\.logRatio))
    rmsDeltaP = mean(\.squaredDeltaP).squareRoot()
    top1Agreement = predictions.isEmpty ? 1 : mean { $0.agrees ? 1 : 0 }
  }

  /// The value below which a share of sorted values lies, interpolated linearly as numpy's default does.
  static func percentile(_ sorted: [Double], _ share: Double) -> Double {
    guard let last = sorted.last else { return 0 }
    let place = share * Double(sorted.count - 1)
    let lower = Int(place)
    guard lower + 1 < sorted.count else { return last }
    return between(sorted[lower], sorted[lower + 1], place - Double(lower))
  }

  static func between(_ low: Double, _ high: Double, _ share: Double) -> Double {
    // Equal neighbors, infinite ones too, have nothing between them.
    low == high ? low : low + (high - low) * share
  }
}
