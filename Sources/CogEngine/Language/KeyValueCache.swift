import CogBase
package import CogCompute

/// The rotated keys and the values of every token seen so far, for every layer.
package final class KeyValueCache {
  /// Tokens that fit.
  package let capacity: Int
  /// One for each layer.
  package let layers: [LayerCache]

  /// An empty cache. A layer's memory is taken when it first stores something.
  package init(layerCount: Int, capacity: Int, heads: AttentionHeads) {
    self.capacity = capacity
    layers = (0..<layerCount).map { _ in LayerCache(capacity: capacity, heads: heads) }
  }

  /// Tokens that every layer has stored.
  package var count: Int { layers.map(\.count).min() ?? 0 }

  /// Tokens that still fit.
  package var remaining: Int { capacity - count }

  /// Forgets all tokens but the first `count`: what is stored next takes their places. A layer that has fewer
  /// keeps what it has.
  package func truncate(to count: Int) {
    for layer in layers { layer.truncate(to: count) }
  }
}

/// The keys and values of one layer.
///
/// In ``ComputeMode/fast`` F16, head by head, which halves what each new token has to read. In the other
/// modes float32 `[capacity, key and value heads * head dimension]`; in bfloat16 mode the numbers in them are
/// bfloat16 values.
package final class LayerCache {
  /// Tokens that are stored.
  package private(set) var count = 0
  private let capacity: Int
  private let heads: AttentionHeads
  private var memory: Memory?

  private enum Memory {
    case float(keys: FloatMatrix, values: FloatMatrix)
    case half(keys: HalfHeads, values: HalfHeads)
  }

  /// An empty cache for `capacity` tokens.
  package init(capacity: Int, heads: AttentionHeads) {
    self.capacity = capacity
    self.heads = heads
  }

  /// Stores new tokens and lets the last of them attend, causally, to all that are stored.
  ///
  /// - Parameters:
  ///   - keys: rotated, `[new tokens, heads.keyValueWidth]`; they must fit.
  ///   - values: the same shape.
  ///   - queries: rotated, `[tokens, heads.width]`, of the last new tokens.
  /// - Returns: `[tokens, heads.width]`.
  package func attend(
    queries: MatrixSlice, keys: MatrixSlice, values: MatrixSlice, compute: Compute
  ) -> FloatMatrix {
    precondition(queries.rows <= keys.rows, "the tokens that attend are among the new ones")
    precondition(count + keys.rows <= capacity, "new tokens fit the cache")
    let memory = memory ?? makeMemory(compute.mode)
    self.memory = memory
    let first = count
    count += keys.rows
    switch memory {
    case .half(let storedKeys, let storedValues):
      storedKeys.store(keys, at: first, compute: compute)
      storedValues.store(values, at: first, compute: compute)
      if first == 0 && keys.rows > 1 {
        // The tokens see one another only: their keys and values are at hand in float32.
        return compute.attention(queries: queries, keys: keys, values: values, heads: heads, isCausal: true)
      }
      return compute.attention(
        queries: queries, keys: storedKeys, values: storedValues, keyCount: count, heads: heads)
    case .float(let storedKeys, let storedValues):
      storedKeys.store(keys, at: first)
      storedValues.store(values, at: first)
      return compute.attention(
        queries: queries, keys: storedKeys.sharedRows(0..<count).columns(0..<storedKeys.columns),
        values: storedValues.sharedRows(0..<count).columns(0..<storedValues.columns), heads: heads,
        isCausal: true)
    }
  }

  /// Forgets all tokens but the first `count`; keeps what it has where that is less.
  package func truncate(to count: Int) { self.count = min(self.count, max(0, count)) }

  private func makeMemory(_ mode: ComputeMode) -> Memory {
    if mode == .fast {
      func half() -> HalfHeads {
        HalfHeads(headCount: heads.keyValueCount, capacity: capacity, dimension: heads.dimension)
      }
      return .half(keys: half(), values: half())
    }
    func float() -> FloatMatrix { FloatMatrix(rows: capacity, columns: heads.keyValueWidth) }
    return .float(keys: float(), values: float())
  }
}
