import CKernels
import Glibc

/// How often each value occurs: exactly for 16-bit elements, in narrow bins for float32.
///
/// Counts of parts of the data add up in any order. Only bins that are not empty are kept: some ten thousand
/// at most for the weights of a model.
struct ValueCounts: Equatable, Sendable {
  /// What a bin number means.
  enum Grid: Int, CaseIterable, Sendable {
    /// A bit pattern of BF16.
    case bfloat16
    /// A bit pattern of F16.
    case float16
    /// Sign, exponent and the upper 8 bits of the fraction of a float32.
    case float32

    /// The number of bins.
    var binCount: Int { self == .float32 ? COG_FLOAT_BINS : COG_HALF_BINS }
  }

  /// Bins that are not empty, by number.
  private struct Bins: Equatable, Sendable {
    var numbers: [UInt32] = []
    var counts: [Int] = []

    mutating func merge(_ other: Bins) {
      guard !numbers.isEmpty, !other.numbers.isEmpty else {
        if numbers.isEmpty { self = other }
        return
      }
      var merged = Bins()
      merged.numbers.reserveCapacity(numbers.count + other.numbers.count)
      merged.counts.reserveCapacity(numbers.count + other.numbers.count)
      var (i, j) = (0, 0)
      while i < numbers.count || j < other.numbers.count {
        let left = i < numbers.count ? numbers[i] : .max
        let right = j < other.numbers.count ? other.numbers[j] : .max
        merged.numbers.append(min(left, right))
        merged.counts.append((left <= right ? counts[i] : 0) + (right <= left ? other.counts[j] : 0))
        if left <= right { i += 1 }
        if right <= left { j += 1 }
      }
      self = merged
    }
  }

  private var grids = [Bins](repeating: Bins(), count: Grid.allCases.count)
  /// The bits of float32 values that their bins lost, of all values together.
  private var lostBits: UInt32 = 0

  /// No values.
  init() {}

  /// The counts of a table with `grid.binCount` counters.
  init(_ table: UnsafeBufferPointer<UInt64>, grid: Grid, lostBits: UInt32 = 0) {
    for (number, count) in table.enumerated() where count > 0 {
      grids[grid.rawValue].numbers.append(UInt32(number))
      grids[grid.rawValue].counts.append(Int(count))
    }
    self.lostBits = lostBits
  }

  /// Adds the counts of other values.
  mutating func merge(_ other: ValueCounts) {
    for index in grids.indices { grids[index].merge(other.grids[index]) }
    lostBits |= other.lostBits
  }

  /// Whether every bin stands for one value.
  var isExact: Bool { lostBits == 0 }

  /// Half the width of a float32 bin over its value: how far a value may be from the middle that stands for
  /// it. Subnormal values, below 2^-126, may be off by 2^-134, the width of their bins.
  static let binError = 0x1p-9

  /// The values as float32 bit patterns in the order of patterns, equal ones together. The middle of a bin
  /// stands for it where that is not one value; 0 for the bins next to 0.
  var patterns: [(bits: UInt32, count: Int)] {
    var list: [(bits: UInt32, count: Int)] = []
    list.reserveCapacity(grids.reduce(0) { $0 + $1.numbers.count })
    for grid in Grid.allCases {
      let bins = grids[grid.rawValue]
      for (number, count) in zip(bins.numbers, bins.counts) { list.append((bits(of: number, grid), count)) }
    }
    list.sort { $0.bits < $1.bits }
    return list.reduce(into: []) { merged, next in
      if let last = merged.indices.last, merged[last].bits == next.bits {
        merged[last].count += next.count
      } else {
        merged.append(next)
      }
    }
  }

  private func bits(of number: UInt32, _ grid: Grid) -> UInt32 {
    switch grid {
    case .bfloat16: return number << 16
    case .float16: return Float(Float16(bitPattern: UInt16(truncatingIfNeeded: number))).bitPattern
    case .float32:
      let shift = UInt32(COG_FLOAT_BIN_SHIFT)
      let start = number << shift
      return isExact || start << 1 == 0 || start & 0x7F80_0000 == 0x7F80_0000
        ? start : start | 1 << (shift - 1)
    }
  }

  /// The bits of information of an element, `-sum p log2 p` over the bins; 0 for no values.
  var entropyBits: Double { Self.entropyBits(grids.lazy.flatMap(\.counts)) }

  /// `-sum p log2 p` of counts; 0 for none.
  static func entropyBits(_ counts: some Sequence<Int>) -> Double {
    let present = counts.filter { $0 > 0 }
    let total = Double(present.reduce(0, +))
    return present.reduce(0) { $0 - Double($1) / total * log2(Double($1) / total) }
  }
}
