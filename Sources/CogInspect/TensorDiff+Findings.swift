extension TensorDiff.Tensor {
  /// What the measures of a tensor say about how it came to differ.
  package enum Diagnosis: Equatable, Sendable {
    /// Elements of one side are NaN or infinite.
    case notFinite
    /// It has nothing to do with the reference: another tensor stands under its name.
    case unrelated
    /// It is the reference times a factor: one of two, between which the measures do not decide.
    case scaled(Double, or: Double?)
    /// A group that the reference has is zeros.
    case zeroGroup
  }

  /// The diagnosis, or nil where the tensor is identical, or differs in no way that has a name: as quantized
  /// ones do.
  package var diagnosis: Diagnosis? {
    guard !isIdentical else { return nil }
    if notFinite > 0 { return .notFinite }
    guard let relativeL2, let cosine, relativeL2.isFinite else { return nil }
    if relativeL2 > 0.5, abs(cosine) < Self.cosineOfUnrelated { return .unrelated }
    if relativeL2 > Self.leastScaling, 1 - abs(cosine) < Self.cosineOfScaled {
      return Self.scaling(relativeL2: relativeL2, cosine: cosine)
    }
    // Of zeros the error is exactly what the reference is.
    return worstGroup?.relativeL2 == 1 ? .zeroGroup : nil
  }

  /// Where `a = f b` the error is `|f - 1|`, and the sign of the cosine is that of f.
  private static func scaling(relativeL2: Double, cosine: Double) -> Diagnosis {
    if cosine < 0 { return .scaled(1 - relativeL2, or: nil) }
    return .scaled(1 + relativeL2, or: relativeL2 < 1 ? 1 - relativeL2 : nil)
  }

  /// Independent tensors of a few hundred elements are closer to a right angle than this.
  private static let cosineOfUnrelated = 0.2
  /// Rounding to BF16 or int8 leaves the angle smaller than this.
  private static let cosineOfScaled = 1e-4
  /// Rounding alone is below this.
  private static let leastScaling = 0.02
}

extension TensorDiff {
  /// The tensors that differ, the worst first: those without a measure, then by relative L2.
  package var differing: [Tensor] {
    tensors.filter { !$0.isIdentical }.sorted {
      let (a, b) = ($0.relativeL2 ?? .nan, $1.relativeL2 ?? .nan)
      return a.isNaN || b.isNaN ? a.isNaN && !b.isNaN : a > b
    }
  }
}
