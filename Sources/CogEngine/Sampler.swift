import CogBase
import Foundation

/// How the next token is chosen from the logits.
package struct SamplingOptions: Equatable, Sendable {
  /// 0 takes the most likely token; above it, logits are divided by it before a token is drawn.
  package var temperature: Double
  /// Tokens are drawn from the smallest set of the likeliest ones whose probabilities reach this sum.
  package var topP: Double
  /// Seed of the random numbers; the same seed gives the same answer.
  package var seed: UInt64

  /// Options, checked.
  ///
  /// - Throws: ``CogError`` when the temperature is negative or `topP` is not in (0, 1].
  package init(temperature: Double = 0, topP: Double = 1, seed: UInt64 = 0) throws {
    guard temperature >= 0, temperature.isFinite else {
      throw CogError("the temperature is out of range", expected: "0 or more", found: "\(temperature)")
    }
    guard topP > 0, topP <= 1 else {
      throw CogError("top-p is out of range", expected: "above 0, at most 1", found: "\(topP)")
    }
    self.temperature = temperature
    self.topP = topP
    self.seed = seed
  }

  /// The most likely token, always.
  package static let greedy = SamplingOptions()

  private init() { (temperature, topP, seed) = (0, 1, 0) }
}

/// Chooses tokens, with its own reproducible random numbers.
package struct Sampler {
  private let options: SamplingOptions
  private var random: SplitMix64

  /// A sampler at the start of its random numbers.
  package init(_ options: SamplingOptions) {
    self.options = options
    random = SplitMix64(seed: options.seed)
  }

  /// The id of the next token. Among equal logits the lowest id wins, as in PyTorch's argmax.
  package mutating func next(_ logits: UnsafeBufferPointer<Float>) -> Int {
    options.temperature == 0 ? Self.mostLikely(logits) : draw(logits)
  }

  /// The index of the largest logit; the first one on a tie. NaN never wins.
  package static func mostLikely(_ logits: UnsafeBufferPointer<Float>) -> Int {
    var best = 0
    var bestValue = -Float.infinity
    for (index, value) in logits.enumerated() where value > bestValue { (best, bestValue) = (index, value) }
    return best
  }

  /// Nucleus sampling (Holtzman et al., arXiv 1904.09751).
  private mutating func draw(_ logits: UnsafeBufferPointer<Float>) -> Int {
    let peak = Double(logits.max() ?? 0)
    let weights = logits.enumerated().map { (id: $0, weight: exp((Double($1) - peak) / options.temperature)) }
      .sorted { ($1.weight, $0.id) < ($0.weight, $1.id) }
    let total = weights.reduce(0) { $0 + $1.weight }
    var nucleus = 0
    var nucleusWeight = 0.0
    while nucleus < weights.count, nucleusWeight < options.topP * total {
      nucleusWeight += weights[nucleus].weight
      nucleus += 1
    }
    var threshold = random.nextUnitDouble() * nucleusWeight
    for candidate in weights.prefix(nucleus) {
      threshold -= candidate.weight
      if threshold < 0 { return candidate.id }
    }
    return weights[max(nucleus - 1, 0)].id
  }
}
