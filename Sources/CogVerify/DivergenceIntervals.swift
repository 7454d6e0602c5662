import CogBase
import Foundation

/// Where the figures of a ``Divergence`` lie for other videos of the same kind, 5 to 95 %: each figure over
/// as many videos drawn with replacement, many times (the percentile bootstrap).
///
/// Videos are drawn and not positions: those of one video resemble each other, and a few of them make the
/// mean. The largest divergence has no interval: drawing again cannot go beyond it.
package struct DivergenceIntervals: Equatable, Sendable, Codable {
  /// From the 5th to the 95th percentile of the draws.
  package struct Interval: Equatable, Sendable, Codable {
    /// The 5th percentile.
    package var low: Double
    /// The 95th.
    package var high: Double

    fileprivate init(_ values: [Double]) {
      guard !values.contains(where: \.isNaN) else {
        (low, high) = (.nan, .nan)
        return
      }
      let sorted = values.sorted()
      (low, high) = (Divergence.percentile(sorted, 0.05), Divergence.percentile(sorted, 0.95))
    }
  }

  /// Videos that were drawn from.
  package var videos: Int
  /// How often they were drawn.
  package var resamples: Int
  /// The interval of the figure of that name.
  package var meanKL, cappedMeanKL, medianKL, percentile99KL, percentile999KL: Interval
  /// The interval of the figure of that name.
  package var perplexityRatio, rmsDeltaP, top1Agreement: Interval

  /// The intervals, the same ones for the same figures. Nil for fewer than two videos, which say nothing
  /// about others.
  ///
  /// - Parameter predictions: of each video, over all of its answers; none empty.
  package init?(_ predictions: [[Prediction]], resamples: Int = 2000) {
    guard predictions.count > 1, resamples > 0 else { return nil }
    let draws = Draws(predictions)
    var generator = SplitMix64(seed: 0)
    var figures = [[Double]](repeating: [], count: 8)
    for _ in 0..<resamples {
      for (place, figure) in draws.next(&generator).enumerated() { figures[place].append(figure) }
    }
    let intervals = figures.map(Interval.init)
    videos = predictions.count
    self.resamples = resamples
    (meanKL, cappedMeanKL, perplexityRatio) = (intervals[0], intervals[1], intervals[2])
    (rmsDeltaP, top1Agreement) = (intervals[3], intervals[4])
    (medianKL, percentile99KL, percentile999KL) = (intervals[5], intervals[6], intervals[7])
  }
}

/// The sums and the sorted divergences that figures over any draw of videos are made of: a draw takes one
/// walk, not a sort.
private struct Draws {
  /// Positions of each video.
  private let counts: [Int]
  /// For each video: divergence, capped divergence, ratio of logarithms, squared change, agreement.
  private let sums: [[Double]]
  /// Ascending, with the video of each.
  private let divergences: [(value: Double, video: Int)]
  private let hasNaN: Bool

  init(_ predictions: [[Prediction]]) {
    counts = predictions.map(\.count)
    sums = predictions.map { video in
      let figures: [(Prediction) -> Double] = [
        \.divergence, \.cappedDivergence, \.logRatio, \.squaredDeltaP, { $0.agrees ? 1 : 0 },
      ]
      return figures.map { figure in video.reduce(0) { $0 + figure($1) } }
    }
    let all = predictions.enumerated().flatMap { video, list in list.map { ($0.divergence, video) } }
    hasNaN = all.contains { $0.0.isNaN }
    divergences = all.sorted { $0.0 < $1.0 }
  }

  /// The figures over a draw: means of both divergences, perplexity ratio, change, agreement, percentiles.
  func next(_ generator: inout SplitMix64) -> [Double] {
    var drawn = [Int](repeating: 0, count: counts.count)
    for _ in counts { drawn[Int(generator.nextUnitDouble() * Double(counts.count))] += 1 }
    let total = zip(drawn, counts).reduce(0) { $0 + $1.0 * $1.1 }
    let means = (0..<5).map { figure in
      // A video that was not drawn adds nothing, be it infinite.
      zip(drawn, sums).reduce(0) { $1.0 == 0 ? $0 : $0 + Double($1.0) * $1.1[figure] } / Double(total)
    }
    return [means[0], means[1], exp(means[2]), means[3].squareRoot(), means[4]]
      + percentiles([0.5, 0.99, 0.999], drawn, total)
  }

  /// As ``Divergence/percentile(_:_:)`` of the positions of the videos, each as often as its video was drawn.
  private func percentiles(_ shares: [Double], _ drawn: [Int], _ total: Int) -> [Double] {
    guard !hasNaN else { return shares.map { _ in .nan } }
    var result: [Double] = []
    // Positions up to and with the one at `index`.
    var (index, passed) = (-1, 0)
    func advance(past place: Int) {
      while passed <= place {
        index += 1
        passed += drawn[divergences[index].video]
      }
    }
    for share in shares {
      let place = share * Double(total - 1)
      advance(past: Int(place))
      let low = divergences[index].value
      let (keptIndex, keptCount) = (index, passed)
      if Int(place) + 1 < total { advance(past: Int(place) + 1) }
      result.append(Divergence.between(low, divergences[index].value, place - place.rounded(.down)))
      // The next share may lie between the same two.
      (index, passed) = (keptIndex, keptCount)
    }
    return result
  }
}
