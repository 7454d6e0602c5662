import CKernels

/// Keys or values of one layer in F16, `[heads, capacity, head dimension]`: what a head reads lies in one
/// piece.
///
/// F16 keeps 11 bits; numbers beyond its range become the largest that it has.
package final class HalfHeads: @unchecked Sendable {
  /// Key and value heads.
  package let headCount: Int
  /// Tokens that fit.
  package let capacity: Int
  /// Features of a head.
  package let dimension: Int
  private let memory: FloatMatrix

  /// Room for `capacity` tokens.
  package init(headCount: Int, capacity: Int, dimension: Int) {
    precondition(headCount > 0 && capacity >= 0 && dimension > 0, "heads have positive sizes")
    self.headCount = headCount
    self.capacity = capacity
    self.dimension = dimension
    memory = FloatMatrix(uninitializedRows: 1, columns: (headCount * capacity * dimension + 1) / 2)
  }

  /// The rows of one head, `[capacity, dimension]`.
  func head(_ index: Int) -> UnsafeMutablePointer<UInt16> {
    UnsafeMutableRawPointer(memory.pointer).assumingMemoryBound(to: UInt16.self)
      + index * capacity * dimension
  }

  /// Stores tokens.
  ///
  /// - Parameters:
  ///   - rows: `[tokens, headCount * dimension]`, all heads side by side.
  ///   - first: the place of the first token; all must fit.
  package func store(_ rows: MatrixSlice, at first: Int, compute: Compute) {
    precondition(rows.columns == headCount * dimension, "all heads lie side by side")
    precondition(first >= 0 && first + rows.rows <= capacity, "tokens fit the cache")
    // A thread's wake-up costs more than a head of a few tokens.
    guard rows.rows > Self.fewTokens else {
      for head in 0..<headCount { store(rows, head: head, at: first, compute) }
      return
    }
    compute.threads.parallelFor(headCount) { store(rows, head: $0, at: first, compute) }
  }

  private static let fewTokens = 8

  private func store(_ rows: MatrixSlice, head: Int, at first: Int, _ compute: Compute) {
    let largest = Float(Float16.greatestFiniteMagnitude)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: dimension) { clamped in
      for token in 0..<rows.rows {
        let source = rows.pointer + token * rows.stride + head * dimension
        for index in 0..<dimension { clamped[index] = min(max(source[index], -largest), largest) }
        guard let base = clamped.baseAddress else { return }
        _ = compute.kernels.table.pointee.from_float(
          COG_F16, base, self.head(head) + (first + token) * dimension, dimension)
      }
    }
  }
}

extension Compute {
  /// Causal `softmax(q k^T * scale) v` over a cache in F16: `[queries, heads.width]`.
  ///
  /// For one query or a few: each reads all keys and values that it sees.
  ///
  /// - Parameters:
  ///   - queries: `[queries, heads.width]`, of the last tokens in the cache.
  ///   - keys: the cached keys, of `heads.keyValueCount` heads.
  ///   - values: the cached values.
  ///   - keyCount: tokens in the cache, those that ask included.
  package func attention(
    queries: MatrixSlice, keys: HalfHeads, values: HalfHeads, keyCount: Int, heads: AttentionHeads
  ) -> FloatMatrix {
    precondition(queries.columns == heads.width, "the heads lie side by side in the columns")
    precondition(
      [keys, values].allSatisfy { $0.headCount == heads.keyValueCount && $0.dimension == heads.dimension },
      "keys and values have the layer's heads")
    precondition(
      queries.rows <= keyCount && keyCount <= min(keys.capacity, values.capacity),
      "the tokens that ask are in the cache")
    let input = CachedAttentionInput(
      queries: queries.pointer, queryStride: queries.stride, queryCount: queries.rows, keys: keys,
      values: values, keyCount: keyCount, heads: heads)
    let result = FloatMatrix(uninitializedRows: queries.rows, columns: heads.width)
    withExtendedLifetime(queries) {
      threads.parallelFor(queries.rows * heads.keyValueCount) { index in
        let (query, head) = index.quotientAndRemainder(dividingBy: heads.keyValueCount)
        attend(input, query: query, keyValueHead: head, into: result)
      }
    }
    return result
  }

  private func attend(_ input: CachedAttentionInput, query: Int, keyValueHead: Int, into result: FloatMatrix)
  {
    let kernels = self.kernels.table.pointee
    let dimension = input.heads.dimension
    let group = input.heads.count / input.heads.keyValueCount
    let visible = input.keyCount - input.queryCount + query + 1
    let column = keyValueHead * group * dimension
    let output = result.pointer + query * result.columns + column
    let scores = FloatMatrix(uninitializedRows: group, columns: visible)
    kernels.scores_f16(
      input.keys.head(keyValueHead), visible, dimension, input.queries + query * input.queryStride + column,
      dimension, group, scores.pointer, visible)
    let sums = (0..<group).map {
      kernels.softmax(scores.pointer + $0 * visible, visible, input.heads.scale, rounds)
    }
    kernels.weigh_values_f16(
      input.values.head(keyValueHead), visible, dimension, scores.pointer, visible, group, output, dimension)
    for head in 0..<group {
      kernels.divide(output + head * dimension, sums[head], dimension)
      roundPart(output + head * dimension, dimension)
    }
  }
}

/// Queries and a cache as the kernels read them. The slices that it was made of outlive it.
private struct CachedAttentionInput {
  let queries: UnsafePointer<Float>
  let queryStride: Int
  let queryCount: Int
  let keys: HalfHeads
  let values: HalfHeads
  let keyCount: Int
  let heads: AttentionHeads
}
