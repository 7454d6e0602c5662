import CogBase
import CogModel

extension TensorDiff {
  /// Two tensors that stand under each other's names: each has the values that the other one has in the
  /// reference.
  package struct Swap: Equatable, Sendable, Codable {
    /// The one that comes first in A's files.
    package let first: String
    /// The other one.
    package let second: String
  }
}

/// Looks among tensors that differ for those that stand under each other's names.
struct SwapSearch {
  private struct Candidate {
    let a, b: TensorEntry
    let sums: MeasureSums

    /// What the two of a pair have in common to the bit, as it is measured of the same two sets of values.
    var common: Common { Common(shape: a.shape, largest: sums.largest, products: sums.products) }

    struct Common: Hashable {
      let shape: Shape
      let largest, products: Double
    }
  }

  private var candidates: [Candidate] = []

  /// Adds a tensor with what was measured of it.
  mutating func add(_ a: TensorEntry, _ b: TensorEntry, _ sums: MeasureSums) {
    guard !sums.hasNaN, sums.largest > 0 else { return }
    candidates.append(Candidate(a: a, b: b, sums: sums))
  }

  /// The pairs that were swapped, each tensor in one at most.
  ///
  /// - Parameter isSame: whether a tensor of A has the values of one of B: measures alone do not tell, as
  ///   those of two norms that were both lost are the same, too.
  /// - Throws: what `isSame` throws.
  func swaps(_ isSame: (_ a: TensorEntry, _ b: TensorEntry) throws -> Bool) rethrows -> [TensorDiff.Swap] {
    var swaps: [TensorDiff.Swap] = []
    var waiting: [Candidate.Common: [Candidate]] = [:]
    for second in candidates {
      let place = try waiting[second.common]?.firstIndex { first in
        try first.sums.squaresA == second.sums.squaresB && first.sums.squaresB == second.sums.squaresA
          && isSame(first.a, second.b) && isSame(second.a, first.b)
      }
      if let place, let first = waiting[second.common]?.remove(at: place) {
        swaps.append(.init(first: first.a.name, second: second.a.name))
      } else {
        waiting[second.common, default: []].append(second)
      }
    }
    return swaps
  }
}
