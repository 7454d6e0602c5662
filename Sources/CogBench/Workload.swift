import CogModel
package import CogNative

/// How much a model computes and reads: the accounting behind shares of the machine's limits.
///
/// A multiplication and an addition are two operations. Products with weights are counted as `2 x weights x
/// rows`, whatever the encoding; attention, norms, activations and rotary positions are not in them, so that
/// a share of the int8 peak says how much of the whole time the peak would have needed for these products
/// alone.
package struct Workload {
  private let configuration: ModelConfiguration
  private let table: TensorTable
  private let byteCount: (TensorSpecification) -> Int
  private let isQuantized: (TensorSpecification) -> Bool

  /// The work of a model in a file.
  package init(_ file: NativeFile) {
    configuration = file.configuration
    table = file.table
    byteCount = { file.entry(named: $0.name)?.byteCount ?? 0 }
    isQuantized = { file.entry(named: $0.name)?.encoding.isQuantized ?? false }
  }

  /// Products with weights while a prompt is read: for all tokens every layer up to the keys and values of
  /// the last one, for the last token the rest.
  package func prefillOperations(tokens: Int) -> Double { prefillOperations(tokens: tokens) { _ in true } }

  /// The share of them with quantized weights.
  package func quantizedShareOfPrefill(tokens: Int) -> Double {
    prefillOperations(tokens: tokens, with: isQuantized) / prefillOperations(tokens: tokens)
  }

  private func prefillOperations(tokens: Int, with takes: (TensorSpecification) -> Bool) -> Double {
    func weights(_ isMeant: (TensorSpecification) -> Bool) -> Double {
      table.specifications.filter { $0.role.isMatrix && isMeant($0) && takes($0) }
        .reduce(0) { $0 + Double($1.shape.elementCount) }
    }
    let ofLastToken = weights {
      $0.layer == configuration.layerCount - 1 && $0.part == .language && $0.role != .queryKeyValue
    }
    let language = weights { $0.part == .language }
    return 2 * (Double(tokens) * (language - ofLastToken) + ofLastToken + weights { $0.part == .head })
  }

  /// Products with weights for one generated token.
  package var decodeOperations: Double { prefillOperations(tokens: 1) }

  /// Products between queries, keys and values while a prompt is read from an empty cache:
  /// `4 x width x visible keys` for each token and layer, token t seeing t keys; in the last layer for the
  /// last token.
  package func prefillAttentionOperations(tokens: Int) -> Double {
    let visible = Double(tokens) * Double(tokens + 1) / 2
    return 4 * Double(configuration.hiddenSize)
      * (Double(configuration.layerCount - 1) * visible + Double(tokens))
  }

  /// Bytes of weights that one generated token reads: all layers, the final norm, the head, and its own row
  /// of the embedding table. The cache of keys and values comes on top.
  package var decodeBytes: Double {
    let read = table.specifications.filter { $0.part == .language || $0.part == .head }
    let embedding = table.specifications.filter { $0.part == .embedding }
    return read.reduce(0) { $0 + Double(byteCount($1)) }
      + embedding.reduce(0) { $0 + Double(byteCount($1)) / Double(max(1, $1.shape.rows)) }
  }

  /// Products with weights for one frame: patches, the tower's layers, the convolution and the adapter.
  package var visionOperationsPerFrame: Double { visionOperationsPerFrame { _ in true } }

  /// The share of them with quantized weights.
  package var quantizedShareOfVision: Double {
    visionOperationsPerFrame(with: isQuantized) / visionOperationsPerFrame
  }

  private func visionOperationsPerFrame(with takes: (TensorSpecification) -> Bool) -> Double {
    let vision = configuration.vision
    return table.specifications.filter(takes).reduce(0) { sum, tensor in
      let rows =
        switch tensor.role {
        case .patchProjection: vision.positionCount - 1
        case .visionQueryKeyValue, .visionAttentionOutput, .visionMLPIn, .visionMLPOut: vision.positionCount
        case .convolution, .adapterProjection, .adapterGate, .adapterUp, .adapterDown: vision.pooledCount
        default: 0
        }
      return sum + 2 * Double(tensor.shape.elementCount) * Double(rows)
    }
  }

  /// Products between queries, keys and values for one frame.
  package var visionAttentionOperationsPerFrame: Double {
    let vision = configuration.vision
    return 4 * Double(vision.layerCount) * Double(vision.hiddenSize)
      * Double(vision.positionCount) * Double(vision.positionCount)
  }
}
