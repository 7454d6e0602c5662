package import CogCompute
import Foundation

/// What two models predict at one position of an answer, under the same prefix. Formulas:
/// `Formats/references.md`, "Measures".
package struct Prediction: Equatable, Sendable {
  /// The Kullback-Leibler divergence from the reference, in nats.
  package let divergence: Double
  /// The logarithm of the probability that the tested model gives the reference's token.
  package let logProbability: Double
  /// The logarithm of the probability that the reference gives it.
  package let referenceLogProbability: Double
  /// Whether both have their highest logit at the same id.
  package let agrees: Bool

  /// A prediction of figures that are known.
  package init(
    divergence: Double, logProbability: Double, referenceLogProbability: Double, agrees: Bool
  ) {
    self.divergence = divergence
    self.logProbability = logProbability
    self.referenceLogProbability = referenceLogProbability
    self.agrees = agrees
  }

  /// The divergence is `sum_i q_i (log q_i - log r_i)`, `q` the softmax of the reference's logits and `r` of
  /// the tested ones.
  ///
  /// - Parameters:
  ///   - tested: `[1, vocabulary]`.
  ///   - reference: `[1, vocabulary]`.
  ///   - id: the reference's token.
  ///   - agrees: whether the tested model's is the same.
  package init(_ tested: FloatMatrix, reference: FloatMatrix, id: Int, agrees: Bool) {
    let a = UnsafeBufferPointer(tested.row(0))
    let b = UnsafeBufferPointer(reference.row(0))
    let (normA, normB) = (Self.logSumExp(a), Self.logSumExp(b))
    var sum = 0.0
    for index in 0..<min(a.count, b.count) {
      let logQ = Double(b[index]) - normB
      let q = exp(logQ)
      // A token that the reference rules out adds nothing, whatever the other says of it.
      if q != 0 { sum += q * (logQ - (Double(a[index]) - normA)) }
    }
    self.init(
      // Rounding may put equal distributions a hair below 0.
      divergence: sum < 0 ? 0 : sum, logProbability: Double(a[id]) - normA,
      referenceLogProbability: Double(b[id]) - normB, agrees: agrees)
  }

  private static func logSumExp(_ logits: UnsafeBufferPointer<Float>) -> Double {
    let peak = Double(logits.max() ?? 0)
    var sum = 0.0
    for logit in logits { sum += exp(Double(logit) - peak) }
    return peak + log(sum)
  }

  /// The divergence, at most ``Divergence/cap``.
  package var cappedDivergence: Double { divergence.isNaN ? .nan : min(divergence, Divergence.cap) }

  /// How much likelier the reference finds its token, in nats.
  var logRatio: Double { referenceLogProbability - logProbability }

  /// The square of the change of the token's probability.
  package var squaredDeltaP: Double {
    let delta = exp(logProbability) - exp(referenceLogProbability)
    return delta * delta
  }
}
