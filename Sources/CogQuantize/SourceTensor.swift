import CogBase
import CogModel

/// A tensor of a source with its bytes.
struct SourceTensor: Sendable {
  let entry: TensorEntry
  /// As many as encoding and shape ask for.
  let bytes: OwnedBytes

  var shape: Shape { entry.shape }

  /// - Throws: ``CogError`` when the tensor's bytes are damaged.
  init(_ entry: TensorEntry, in store: any TensorStore) throws {
    self.entry = entry
    try store.verifyChecksum(of: entry)
    bytes = try store.wholeBytes(of: entry)
  }
}

extension TensorEntry {
  /// The type that "as in the source" means: quantized values, which only F32 has exactly, become BF16.
  var floatType: ElementType { encoding.plainType ?? .bfloat16 }
}
