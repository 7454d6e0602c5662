import CogModel
import CogQuantize

/// How long the products of linear layers with many tokens take, beside those of int4 in groups of 64, and
/// how long they may take: within each part of a model, since frames are read by one and prompts by another,
/// at most as long as int4 in groups of 64 throughout, times the target's bits over its bits, over 0.9.
enum BudgetTimes {
  /// The least speed, times bits, beside int4 in groups of 64.
  private static let leastSpeed = 0.9

  /// How long a unit's products take, in those of a weight of int4 in groups of 64: about what was measured
  /// with the kernels of AMX, where encodings differ more than with AVX-512 (BENCHMARKS.md, "What four bits
  /// cost"). Beside int8 weights the tower's queries, keys and values have 16-bit activations, which are
  /// multiplied in two passes.
  static func time(of unit: BudgetUnit, as encoding: TensorEncoding) -> Double {
    let isTwice = encoding.bits == 8 && unit.tensors.contains { $0.role == .visionQueryKeyValue }
    return time(of: encoding) * (isTwice ? 2 : 1) * Double(unit.weightCount)
  }

  private static func time(of encoding: TensorEncoding) -> Double {
    switch encoding.bits {
    case 4: encoding == .int4(groupSize: 32) ? 1.4 : 1
    case 8: 1.2
    default: 4
    }
  }

  /// The most time of each part's products.
  ///
  /// - Throws: `CogError` when their bytes are too many to count.
  static func limits(_ units: [BudgetUnit], targetBits: Double) throws -> [ModelPart: Double] {
    try Dictionary(grouping: units, by: \.part).mapValues { units in
      let weights = Double(units.reduce(0) { $0 + $1.weightCount })
      let bytes = try units.reduce(0) { try $0 + $1.byteCount(as: .int4(groupSize: 64)) }
      return weights * targetBits / (8 * Double(bytes) / max(1, weights)) / leastSpeed
    }
  }
}
