import CogBase
import CogModel

/// A float tensor of a source with its bytes.
struct SourceTensor: Sendable {
  let entry: TensorEntry
  let elementType: ElementType
  /// As many as the shape asks for.
  let bytes: OwnedBytes

  var shape: Shape { entry.shape }

  /// - Throws: ``CogError`` when the tensor is quantized or its bytes are damaged.
  init(_ entry: TensorEntry, in store: any TensorStore) throws {
    self.entry = entry
    elementType = try Self.elementType(of: entry)
    try store.verifyChecksum(of: entry)
    bytes = try store.wholeBytes(of: entry)
  }

  /// The type of a tensor's elements. - Throws: ``CogError`` when it is quantized.
  static func elementType(of entry: TensorEntry) throws -> ElementType {
    guard let type = entry.encoding.plainType else {
      throw CogError(
        "the tensor is quantized", file: entry.file, subject: entry.name, expected: "a float tensor",
        found: entry.encoding.label, advice: "Start from the checkpoint or from a native float file.")
    }
    return type
  }
}
