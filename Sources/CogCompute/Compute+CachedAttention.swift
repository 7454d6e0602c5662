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

  /// Stores tokens: `rows [tokens, stride]` begin with all heads side by side.
  ///
  /// - Parameter first: the place of the first token; all must fit.
  package func store(
    _ rows: UnsafePointer<Float>, stride: Int, tokenCount: Int, at first: Int, compute: Compute
  ) {
    precondition(first >= 0 && tokenCount >= 0 && first + tokenCount <= capacity, "tokens fit the cache")
    // A thread's wake-up costs more than a head of a few tokens.
    guard tokenCount > Self.fewTokens else {
      for head in 0..<headCount { store(head, rows, stride, tokenCount, first, compute) }
      return
    }
    compute.threads.parallelFor(headCount) { store($0, rows, stride, tokenCount, first, compute) }
  }

  private static let fewTokens = 8

  private func store(
    _ head: Int, _ rows: UnsafePointer<Float>, _ stride: Int, _ tokenCount: Int, _ first: Int,
    _ compute: Compute
  ) {
    let largest = Float(Float16.greatestFiniteMagnitude)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: dimension) { clamped in
      for token in 0..<tokenCount {
        let source = rows + token * stride + head * dimension
        for index in 0..<dimension { clamped[index] = min(max(source[index], -largest), largest) }
        guard let base = clamped.baseAddress else { return }
        _ = compute.kernels.table.pointee.from_float(
          COG_F16, base, self.head(head) + (first + token) * dimension, dimension)
      }
    }
  }
}

/// Queries that look at keys and values of a cache, all heads.
package struct CachedAttentionInput {
  /// `[queryCount, headCount * headDimension]`.
  package var queries: UnsafePointer<Float>
  /// Floats from one query to the next.
  package var queryStride: Int
  /// Tokens that ask: the last of those in the cache.
  package var queryCount: Int
  /// Query heads.
  package var headCount: Int
  /// Tokens in the cache, those that ask included.
  package var keyCount: Int
  /// Their keys.
  package var keys: HalfHeads
  /// Their values.
  package var values: HalfHeads
  /// What the scores are multiplied with, usually `headDimension^-0.5`.
  package var scale: Float

  /// Describes one attention layer's input; the pointer must outlive the call that uses it.
  package init(
    queries: UnsafePointer<Float>, queryStride: Int, queryCount: Int, headCount: Int, keyCount: Int,
    keys: HalfHeads, values: HalfHeads, scale: Float
  ) {
    precondition(headCount > 0 && headCount % keys.headCount == 0, "key heads serve as many query heads each")
    precondition(
      keys.headCount == values.headCount && keys.dimension == values.dimension,
      "keys and values have one shape")
    precondition(
      0 <= queryCount && queryCount <= keyCount && keyCount <= min(keys.capacity, values.capacity),
      "the tokens that ask are in the cache")
    self.queries = queries
    self.queryStride = queryStride
    self.queryCount = queryCount
    self.headCount = headCount
    self.keyCount = keyCount
    self.keys = keys
    self.values = values
    self.scale = scale
  }
}

extension Compute {
  /// Causal `softmax(q k^T * scale) v` over a cache in F16: `[queryCount, headCount * headDimension]`.
  ///
  /// For one query or a few: each reads all keys and values that it sees.
  package func attention(_ input: CachedAttentionInput) -> FloatMatrix {
    let dimension = input.keys.dimension
    let result = FloatMatrix(uninitializedRows: input.queryCount, columns: input.headCount * dimension)
    threads.parallelFor(input.queryCount * input.keys.headCount) { index in
      let (query, head) = index.quotientAndRemainder(dividingBy: input.keys.headCount)
      attend(input, query: query, keyValueHead: head, into: result)
    }
    return result
  }

  private func attend(_ input: CachedAttentionInput, query: Int, keyValueHead: Int, into result: FloatMatrix)
  {
    let kernels = self.kernels.table.pointee
    let dimension = input.keys.dimension
    let group = input.headCount / input.keys.headCount
    let visible = input.keyCount - input.queryCount + query + 1
    let column = keyValueHead * group * dimension
    let output = result.pointer + query * result.columns + column
    let scores = FloatMatrix(uninitializedRows: group, columns: visible)
    kernels.scores_f16(
      input.keys.head(keyValueHead), visible, dimension, input.queries + query * input.queryStride + column,
      dimension, group, scores.pointer, visible)
    let sums = (0..<group).map {
      kernels.softmax(scores.pointer + $0 * visible, visible, input.scale, rounds)
    }
    kernels.weigh_values_f16(
      input.values.head(keyValueHead), visible, dimension, scores.pointer, visible, group, output, dimension)
    for head in 0..<group {
      kernels.divide(output + head * dimension, sums[head], dimension)
      roundPart(output + head * dimension, dimension)
    }
  }
}
