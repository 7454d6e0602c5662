import CogBase
import CogCompute

/// The rotated keys and the values of every token seen so far, for every layer.
///
/// In ``ComputeMode/fast`` F16, head by head, which halves what each new token has to read. In the other
/// modes float32 `[capacity, key and value heads * head dimension]`; in bfloat16 mode the numbers in them are
/// bfloat16 values.
package final class KeyValueCache {
  /// Tokens that are in the cache.
  package private(set) var count = 0
  /// Tokens that fit.
  package let capacity: Int
  private let headCount: Int
  private let headDimension: Int
  private var layers: [LayerCache?]
  private var lastRotary: RotaryEmbedding?

  /// An empty cache. A layer's memory is taken when it first stores something.
  init(layerCount: Int, capacity: Int, headCount: Int, headDimension: Int) {
    self.capacity = capacity
    self.headCount = headCount
    self.headDimension = headDimension
    layers = Array(repeating: nil, count: layerCount)
  }

  /// Stores new tokens of a layer and lets their queries attend.
  ///
  /// - Parameters:
  ///   - fused: `[tokens, (heads + 2 * key and value heads) * head dimension]`: rotated queries and keys, and
  ///     values. The tokens count from ``advance(by:)`` on.
  ///   - wanted: how many of the last tokens attend.
  /// - Returns: `[wanted, heads * head dimension]`.
  func attend(
    layer: Int, fused: FloatMatrix, headCount queryHeads: Int, wanted: Int, compute: Compute
  ) -> FloatMatrix {
    precondition(wanted >= 0 && wanted <= fused.rows, "the tokens that attend are among the new ones")
    let cache = layers[layer] ?? makeLayer(compute.mode)
    layers[layer] = cache
    let key = UnsafePointer(fused.pointer + queryHeads * headDimension)
    let value = key + headCount * headDimension
    let queries = UnsafePointer(fused.pointer + (fused.rows - wanted) * fused.columns)
    let scale = 1 / Float(headDimension).squareRoot()
    let keyCount = count + fused.rows
    func input(_ keys: UnsafePointer<Float>, _ values: UnsafePointer<Float>, stride: Int) -> AttentionInput {
      AttentionInput(
        queries: queries, queryStride: fused.columns, keys: keys, keyStride: stride, values: values,
        valueStride: stride, queryCount: wanted, keyCount: keyCount, headCount: queryHeads,
        keyValueHeadCount: headCount, headDimension: headDimension, scale: scale, isCausal: true)
    }
    switch cache {
    case .half(let keys, let values):
      keys.store(key, stride: fused.columns, tokenCount: fused.rows, at: count, compute: compute)
      values.store(value, stride: fused.columns, tokenCount: fused.rows, at: count, compute: compute)
      if count == 0 && fused.rows > 1 {
        // The tokens see one another only: their keys and values are at hand in float32.
        return compute.attention(input(key, value, stride: fused.columns))
      }
      return compute.attention(
        CachedAttentionInput(
          queries: queries, queryStride: fused.columns, queryCount: wanted, headCount: queryHeads,
          keyCount: keyCount, keys: keys, values: values, scale: scale))
    case .float(let keys, let values):
      for token in 0..<fused.rows {
        let row = token * fused.columns
        (keys.pointer + (count + token) * keys.columns).update(from: key + row, count: keys.columns)
        (values.pointer + (count + token) * keys.columns).update(from: value + row, count: keys.columns)
      }
      return compute.attention(input(keys.pointer, values.pointer, stride: keys.columns))
    }
  }

  private func makeLayer(_ mode: ComputeMode) -> LayerCache {
    if mode == .fast {
      return .half(
        keys: HalfHeads(headCount: headCount, capacity: capacity, dimension: headDimension),
        values: HalfHeads(headCount: headCount, capacity: capacity, dimension: headDimension))
    }
    let width = headCount * headDimension
    return .float(
      keys: FloatMatrix(rows: capacity, columns: width), values: FloatMatrix(rows: capacity, columns: width))
  }

  /// The rotary angles of the new tokens. The layers of a model have the same frequencies, so that all but
  /// the first take what is there; one that differs gets its own.
  func rotary(frequencies: [Float], positions: [Int], compute: Compute) -> RotaryEmbedding {
    if let last = lastRotary, last.frequencies == frequencies, last.positions == positions { return last }
    let rotary = RotaryEmbedding(frequencies: frequencies, positions: positions, compute: compute)
    lastRotary = rotary
    return rotary
  }

  /// Counts tokens whose keys and values every layer has stored.
  package func advance(by tokenCount: Int) { count += tokenCount }
}

/// The keys and values of one layer.
private enum LayerCache {
  case float(keys: FloatMatrix, values: FloatMatrix)
  case half(keys: HalfHeads, values: HalfHeads)
}
