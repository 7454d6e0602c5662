import CogBase
import CogCompute
import Foundation
import Testing

/// Keys and values that F16 holds exactly, in a cache, and the same in float32.
private struct CachedCase {
  let queryCount: Int
  let keyCount: Int
  let heads: Int
  let keyValueHeads: Int
  let dimension: Int
  let capacity: Int

  /// The relative error beside attention in float32.
  func compare(_ compute: Compute) throws -> Double {
    let (result, expected) = try run(compute)
    return relativeL2(result, expected.map(Double.init))
  }

  /// What attention over the cache gives, and attention in float32.
  func run(_ compute: Compute) throws -> (cached: [Float], float: [Float]) {
    var random = SplitMix64(seed: UInt64(keyCount * 100 + dimension))
    let width = keyValueHeads * dimension
    let queries = FloatMatrix(
      random.normals(queryCount * heads * dimension), rows: queryCount, columns: heads * dimension)
    let keys = halves(random.normals(keyCount * width), width)
    let values = halves(random.normals(keyCount * width), width)
    let cachedKeys = HalfHeads(headCount: keyValueHeads, capacity: capacity, dimension: dimension)
    let cachedValues = HalfHeads(headCount: keyValueHeads, capacity: capacity, dimension: dimension)
    // In two pieces, as a prompt and an answer are.
    let first = keyCount / 2
    for (cache, rows) in [(cachedKeys, keys), (cachedValues, values)] {
      cache.store(rows.sharedRows(0..<first).columns(0..<width), at: 0, compute: compute)
      cache.store(rows.lastRows(keyCount - first).columns(0..<width), at: first, compute: compute)
    }
    let shape = AttentionHeads(count: heads, keyValueCount: keyValueHeads, dimension: dimension)
    let asking = queries.columns(0..<shape.width)
    let result = compute.attention(
      queries: asking, keys: cachedKeys, values: cachedValues, keyCount: keyCount, heads: shape)
    let exact = Compute(mode: .float32, kernels: compute.kernels)
    let expected = exact.attention(
      queries: asking, keys: keys.columns(0..<width), values: values.columns(0..<width), heads: shape,
      isCausal: true)
    return (result.values, expected.values)
  }

  private func halves(_ values: [Float], _ width: Int) -> FloatMatrix {
    FloatMatrix(values.map { Float(Float16($0)) }, rows: values.count / width, columns: width)
  }
}

struct CachedAttentionTests {
  private static let cases = [
    CachedCase(queryCount: 1, keyCount: 1, heads: 1, keyValueHeads: 1, dimension: 1, capacity: 1),
    CachedCase(queryCount: 1, keyCount: 77, heads: 8, keyValueHeads: 2, dimension: 128, capacity: 80),
    CachedCase(queryCount: 3, keyCount: 33, heads: 6, keyValueHeads: 1, dimension: 72, capacity: 64),
    CachedCase(queryCount: 5, keyCount: 5, heads: 5, keyValueHeads: 5, dimension: 37, capacity: 9),
    CachedCase(queryCount: 2, keyCount: 700, heads: 10, keyValueHeads: 2, dimension: 64, capacity: 700),
  ]

  @Test(
    "Attention over a cache in F16 is attention over the same numbers in float32, in every instruction set",
    arguments: cases.indices)
  func matchesFloat(index: Int) throws {
    for kernels in KernelSet.available {
      #expect(
        try Self.cases[index].compare(Compute(mode: .fast, kernels: kernels)) < 1e-6, "\(kernels.name)")
    }
  }

  @Test("Every instruction set gives the same bits", arguments: cases.indices)
  func sameBits(index: Int) throws {
    let results = try KernelSet.available.map {
      try Self.cases[index].run(Compute(mode: .fast, kernels: $0)).cached
    }
    for (result, kernels) in zip(results, KernelSet.available) {
      #expect(result == results[0], "\(kernels.name)")
    }
  }

  @Test("Numbers beyond the range of F16 become the largest that it has, not infinite")
  func clamps() throws {
    let compute = Compute(mode: .fast)
    let cache = HalfHeads(headCount: 1, capacity: 1, dimension: 2)
    cache.store(FloatMatrix([1e6, -1e6], rows: 1, columns: 2).columns(0..<2), at: 0, compute: compute)
    let query = FloatMatrix([0, 0], rows: 1, columns: 2)
    let result = compute.attention(
      queries: query.columns(0..<2), keys: cache, values: cache, keyCount: 1,
      heads: AttentionHeads(count: 1, keyValueCount: 1, dimension: 2))
    #expect(result.values == [65504, -65504])
  }
}
