import CogBase
import CogCompute
import CogVerify
import Foundation
import Testing

/// The measures of predictions beside figures worked out by hand, by numpy, and by plain twins.
@Suite struct DivergenceTests {
  private func matrix(_ values: [Float]) -> FloatMatrix {
    FloatMatrix(values, rows: 1, columns: values.count)
  }

  private func ofLogits(_ tested: [Float], _ reference: [Float], id: Int = 0) -> Prediction {
    Prediction(matrix(tested), reference: matrix(reference), id: id, agrees: true)
  }

  private func predictions(_ divergences: [Double], agreements: Int = 0) -> [Prediction] {
    divergences.enumerated().map { place, divergence in
      Prediction(
        divergence: divergence, logProbability: -divergence, referenceLogProbability: -divergence / 2,
        agrees: place < agreements)
    }
  }

  private func softmax(_ logits: [Float]) -> [Double] {
    let powers = logits.map { exp(Double($0)) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  // MARK: One position

  @Test("The divergence is the formula's, is not negative, and does not change when all logits are shifted")
  func divergence() throws {
    var generator = SystemRandomNumberGenerator()
    for count in [1, 2, 17, 500] {
      let a = (0..<count).map { _ in Float.random(in: -6...6, using: &generator) }
      let b = (0..<count).map { _ in Float.random(in: -6...6, using: &generator) }
      let id = count / 2
      let found = ofLogits(a, b, id: id)
      let (r, q) = (softmax(a), softmax(b))
      // `sum_i q_i (log q_i - log r_i)` as the formula stands, in the plainest way.
      let plain = zip(q, r).reduce(0) { $0 + $1.0 * (log($1.0) - log($1.1)) }
      #expect(found.divergence >= 0 && abs(found.divergence - plain) <= 1e-9 * max(1, plain), "\(a), \(b)")
      #expect(abs(found.logProbability - log(r[id])) < 1e-9)
      #expect(abs(found.referenceLogProbability - log(q[id])) < 1e-9)
      #expect(abs(found.squaredDeltaP - (r[id] - q[id]) * (r[id] - q[id])) < 1e-9)
      #expect(ofLogits(a, a).divergence == 0)
      // Far above what exp takes.
      let far = ofLogits(a.map { $0 + 1024 }, b.map { $0 + 2048 }).divergence
      #expect(abs(far - plain) <= 1e-3 * max(1, plain))
    }
    // ln 2 between a fair and a certain choice; nothing usable where a logit is no number.
    let certain = ofLogits([0, 0], [0, -.infinity])
    #expect(abs(certain.divergence - log(2)) < 1e-12 && certain.referenceLogProbability == 0)
    let broken = ofLogits([.nan, 0], [0, 0])
    #expect(broken.divergence.isNaN && broken.logProbability.isNaN && broken.cappedDivergence.isNaN)
  }

  // MARK: Over positions

  @Test("Mean, tail and agreement are over positions")
  func figures() {
    let figures = Divergence(predictions((0...200).map { Double(200 - $0) }, agreements: 67))
    #expect(figures.positions == 201 && figures.meanKL == 100 && figures.medianKL == 100)
    #expect(figures.percentile99KL == 198 && figures.maxKL == 200)
    #expect(abs(figures.percentile999KL - 199.8) < 1e-9)
    // 0 counts 0, the 200 others 1 each.
    #expect(figures.cappedMeanKL == 200.0 / 201 && abs(figures.top1Agreement - 67.0 / 201) < 1e-15)
    // numpy.percentile([1, 2, 4, 8], [50, 99, 99.9]) = 3, 4 + 4 * 0.97, 4 + 4 * 0.997
    let few = Divergence(predictions([8, 1, 4, 2], agreements: 4))
    #expect(few.medianKL == 3 && abs(few.percentile99KL - 7.88) < 1e-12)
    #expect(abs(few.percentile999KL - 7.988) < 1e-12 && few.top1Agreement == 1)
  }

  @Test("The perplexity ratio and the change of probability are those worked out by hand")
  func perplexity() {
    // Probabilities 1/4 and 1 instead of 1/2 and 1/2: the product is the same, so is the perplexity.
    let even = [(0.25, 0.5), (1, 0.5)].map { tested, reference in
      Prediction(
        divergence: 0, logProbability: log(tested), referenceLogProbability: log(reference), agrees: true)
    }
    let figures = Divergence(even)
    #expect(abs(figures.perplexityRatio - 1) < 1e-12)
    #expect(abs(figures.rmsDeltaP - ((0.0625 + 0.25) / 2).squareRoot()) < 1e-12)
    // One token at 1/8 instead of 1/2.
    let worse = Prediction(
      divergence: 0, logProbability: log(0.125), referenceLogProbability: log(0.5), agrees: true)
    #expect(abs(Divergence([worse]).perplexityRatio - 4) < 1e-12)
    let ruledOut = Prediction(
      divergence: .infinity, logProbability: -.infinity, referenceLogProbability: log(0.5), agrees: false)
    let infinite = Divergence([worse, ruledOut])
    #expect(infinite.perplexityRatio == .infinity && infinite.meanKL == .infinity)
    #expect(infinite.cappedMeanKL == 0.5 && infinite.rmsDeltaP.isFinite)
  }

  @Test("No position leaves nothing apart, and one that is no number makes the divergences none")
  func degenerate() {
    let none = Divergence([])
    #expect(none.positions == 0 && none.meanKL == 0 && none.maxKL == 0 && none.medianKL == 0)
    #expect(none.perplexityRatio == 1 && none.rmsDeltaP == 0 && none.top1Agreement == 1)
    let broken = Divergence(predictions([1, .nan, 2], agreements: 3))
    let figures = [
      broken.meanKL, broken.cappedMeanKL, broken.medianKL, broken.percentile99KL, broken.percentile999KL,
      broken.maxKL, broken.perplexityRatio, broken.rmsDeltaP,
    ]
    #expect(figures.allSatisfy(\.isNaN) && broken.top1Agreement == 1)
  }

  // MARK: Intervals

  @Test("Of two videos of 0 and 1, a quarter of the draws has either alone")
  func twoVideos() throws {
    let intervals = try #require(DivergenceIntervals([predictions([0], agreements: 1), predictions([1])]))
    #expect(intervals.videos == 2 && intervals.resamples == 2000)
    for interval in [intervals.meanKL, intervals.medianKL, intervals.percentile99KL, intervals.top1Agreement]
    {
      #expect(interval.low == 0 && interval.high == 1)
    }
    #expect(intervals.perplexityRatio.low == 1 && abs(intervals.perplexityRatio.high - exp(0.5)) < 1e-12)
  }

  @Test("Intervals are those of figures over draws that are written out, and the same every time")
  func twin() throws {
    var generator = SplitMix64(seed: 3)
    let videos = (1...7).map { count in
      (0..<(count * 5)).map { _ in
        let value = generator.nextUnitDouble()
        return Prediction(
          divergence: value * value * 3, logProbability: -value, referenceLogProbability: -value / 3,
          agrees: value < 0.7)
      }
    }
    let resamples = 200
    let found = try #require(DivergenceIntervals(videos, resamples: resamples))
    #expect(found == DivergenceIntervals(videos, resamples: resamples))
    var draws = SplitMix64(seed: 0)
    let figures = (0..<resamples).map { _ in
      Divergence(videos.flatMap { _ in videos[Int(draws.nextUnitDouble() * Double(videos.count))] })
    }
    for (interval, figure) in [
      (found.meanKL, \Divergence.meanKL), (found.cappedMeanKL, \.cappedMeanKL), (found.medianKL, \.medianKL),
      (found.percentile99KL, \.percentile99KL), (found.percentile999KL, \.percentile999KL),
      (found.perplexityRatio, \.perplexityRatio), (found.rmsDeltaP, \.rmsDeltaP),
      (found.top1Agreement, \.top1Agreement),
    ] {
      let sorted = figures.map { $0[keyPath: figure] }.sorted()
      // numpy.percentile(figures, [5, 95]): places 9.95 and 189.05.
      let low = sorted[9] + (sorted[10] - sorted[9]) * 0.95
      let high = sorted[189] + (sorted[190] - sorted[189]) * 0.05
      #expect(
        abs(interval.low - low) <= 1e-12 * max(1, low) && abs(interval.high - high) <= 1e-12 * max(1, high))
    }
  }

  @Test("One video has no intervals, a position that is no number none that are numbers, and infinity stays")
  func degenerateIntervals() throws {
    #expect(DivergenceIntervals([]) == nil && DivergenceIntervals([predictions([1, 2])]) == nil)
    let broken = try #require(DivergenceIntervals([predictions([1]), predictions([.nan])]))
    #expect(broken.meanKL.low.isNaN && broken.medianKL.high.isNaN && broken.top1Agreement.low == 0)
    let infinite = try #require(DivergenceIntervals([predictions([1]), predictions([.infinity])]))
    #expect(infinite.meanKL.low == 1 && infinite.meanKL.high == .infinity)
    #expect(infinite.percentile99KL.high == .infinity && infinite.cappedMeanKL.high == 1)
  }

  // MARK: Features

  @Test("The features' cosine is each token's, frame by frame")
  func features() {
    // Two frames of two tokens: equal, at 60 degrees; opposite, scaled.
    let reference = FloatMatrix([1, 0, 1, 0, 0, 1, 2, 2], rows: 4, columns: 2)
    let tested = FloatMatrix([1, 0, 1, Float(3).squareRoot(), 0, -1, 1, 1], rows: 4, columns: 2)
    let frames = FeatureCosine.ofFrames(tested, reference: reference, tokensPerFrame: 2)
    #expect(frames.count == 2)
    #expect(abs(frames[0].meanCosine - 0.75) < 1e-6 && abs(frames[0].leastCosine - 0.5) < 1e-6)
    #expect(abs(frames[1].meanCosine) < 1e-6 && abs(frames[1].leastCosine + 1) < 1e-6)
    let video = ModelComparisonReport.Video(video: "v", frames: [], features: frames)
    let summary = ModelComparisonReport.FeatureSummary([video])
    #expect(summary?.frames == 2 && summary?.leastVideo == "v" && summary?.leastFrame == 1)
    #expect(abs((summary?.meanCosine ?? 0) - 0.375) < 1e-6)
    #expect(ModelComparisonReport.FeatureSummary([]) == nil)
    let broken = ModelComparisonReport.Video(
      video: "w", frames: [], features: [FeatureCosine(tokens: [1, .nan])])
    let worst = ModelComparisonReport.FeatureSummary([video, broken])
    #expect(worst?.leastVideo == "w" && worst?.leastCosine.isNaN == true && worst?.meanCosine.isNaN == true)
  }
}
