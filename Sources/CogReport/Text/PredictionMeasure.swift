import CogVerify

/// One figure of two models' predictions under the field's name, as text and page list it.
struct PredictionMeasure {
  /// The name.
  let name: String
  /// What it is, with its unit.
  let explanation: String
  /// The figure over all positions, and where it lies for other videos.
  let value: Double, interval: DivergenceIntervals.Interval?
  /// How the figure is written.
  let text: (Double) -> String

  private init(
    _ name: String, _ explanation: String, _ value: Double, _ interval: DivergenceIntervals.Interval?,
    text: @escaping (Double) -> String = { $0 == 0 ? "0" : NumberText.scientific($0) }
  ) {
    (self.name, self.explanation, self.value, self.interval) = (name, explanation, value, interval)
    self.text = text
  }

  /// The interval as text; nil where there is none.
  var intervalText: String? { interval.map { "\(text($0.low)) to \(text($0.high))" } }

  /// All figures of a comparison.
  static func all(_ report: ModelComparisonReport) -> [PredictionMeasure] {
    let (figures, ranges) = (report.divergence, report.intervals)
    func percent(_ share: Double) -> String { NumberText.fixed(100 * share, decimals: 2) + " %" }
    let cap = NumberText.general(Divergence.cap)
    return [
      .init("mean KL", "nats from the reference's prediction", figures.meanKL, ranges?.meanKL),
      .init(
        "capped mean KL", "a position counts \(cap) nat at most", figures.cappedMeanKL, ranges?.cappedMeanKL),
      .init("median KL", "half of the positions below", figures.medianKL, ranges?.medianKL),
      .init("99 % KL", "99 % of the positions below", figures.percentile99KL, ranges?.percentile99KL),
      .init("99.9 % KL", "99.9 % of the positions below", figures.percentile999KL, ranges?.percentile999KL),
      .init("maximum KL", "the largest of a position", figures.maxKL, nil),
      .init(
        "PPL ratio", "perplexity of the reference's answers over the reference's own",
        figures.perplexityRatio, ranges?.perplexityRatio, text: { NumberText.fixed($0, decimals: 5) }),
      .init(
        "RMS \u{394}p", "change of the probability of the reference's token", figures.rmsDeltaP,
        ranges?.rmsDeltaP, text: percent),
      .init(
        "top-1 agreement", "positions where both choose the same token", figures.top1Agreement,
        ranges?.top1Agreement, text: percent),
    ]
  }

  /// What the intervals are of.
  static func note(_ report: ModelComparisonReport) -> String {
    guard let intervals = report.intervals else { return "no intervals: they need more than one video" }
    return "5 to 95 % of \(intervals.resamples) draws of \(intervals.videos) videos"
  }
}
