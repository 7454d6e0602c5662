extension TensorDiff {
  /// How many times the median error of the tensors that differ between the same two types a tensor's error
  /// is, by name: only those that are more than ``leastFactor`` times as far off. It finds a fault among the
  /// errors of quantization.
  package var apart: [String: Double] {
    var factors: [String: Double] = [:]
    let measured = tensors.filter { !$0.isIdentical && ($0.relativeL2 ?? 0) > 0 }
    for (_, like) in Dictionary(grouping: measured, by: { [$0.typeA, $0.typeB] }) {
      let errors = like.compactMap(\.relativeL2).filter(\.isFinite).sorted()
      // Among few there is no telling what is usual.
      guard errors.count >= 8 else { continue }
      let median = errors[(errors.count - 1) / 2]
      for tensor in like {
        let factor = (tensor.relativeL2 ?? .nan) / median
        if factor > Self.leastFactor { factors[tensor.name] = factor }
      }
    }
    return factors
  }

  private static let leastFactor = 3.0
}
