import CogBase
import CogCompute

/// The rotated keys and the values of every token seen so far, for every layer.
///
/// For each layer two matrices `[capacity, key and value heads * head dimension]`, float32 in every mode; in
/// bfloat16 mode the numbers in them are bfloat16 values.
public final class KeyValueCache {
  /// Tokens that are in the cache.
  public private(set) var count = 0
  /// Tokens that fit.
  public let capacity: Int
  private let width: Int
  private var keys: [FloatMatrix?]
  private var values: [FloatMatrix?]
  private var lastRotary: RotaryEmbedding?

  /// An empty cache. A layer's matrices are made when it first stores something.
  init(layerCount: Int, capacity: Int, width: Int) {
    self.capacity = capacity
    self.width = width
    keys = Array(repeating: nil, count: layerCount)
    values = keys
  }

  /// Stores the keys and values of `tokenCount` new tokens of a layer, which start at `key` and `value` and lie
  /// `stride` floats apart, and returns the layer's matrices. The tokens count from ``advance(by:)`` on.
  func store(
    layer: Int, key: UnsafePointer<Float>, value: UnsafePointer<Float>, stride: Int, tokenCount: Int
  ) -> (keys: FloatMatrix, values: FloatMatrix) {
    let keys = self.keys[layer] ?? FloatMatrix(rows: capacity, columns: width)
    let values = self.values[layer] ?? FloatMatrix(rows: capacity, columns: width)
    (self.keys[layer], self.values[layer]) = (keys, values)
    for token in 0..<tokenCount {
      (keys.pointer + (count + token) * width).update(from: key + token * stride, count: width)
      (values.pointer + (count + token) * width).update(from: value + token * stride, count: width)
    }
    return (keys, values)
  }

  /// The rotary angles of the new tokens. The layers of a model have the same frequencies, so that all but the first
  /// take what is there; one that differs gets its own.
  func rotary(frequencies: [Float], positions: [Int], compute: Compute) -> RotaryEmbedding {
    if let last = lastRotary, last.frequencies == frequencies, last.positions == positions { return last }
    let rotary = RotaryEmbedding(frequencies: frequencies, positions: positions, compute: compute)
    lastRotary = rotary
    return rotary
  }

  /// Counts tokens whose keys and values every layer has stored.
  public func advance(by tokenCount: Int) { count += tokenCount }
}
