package import CogBase

/// A tensor that is to be stored: what is known of it before its bytes are there, and what its place in the
/// output follows from.
package struct TensorSlot: Equatable, Sendable {
  /// The tensor's name, as in the checkpoint.
  package let name: String
  /// Its shape.
  package let shape: Shape
  /// How its elements are stored.
  package let encoding: TensorEncoding
  /// The element type that it has in the source.
  package let sourceType: ElementType
  /// Bytes that it takes.
  package let byteCount: Int

  /// A tensor that will come.
  ///
  /// - Throws: ``CogError`` that names it when the encoding cannot hold the shape, or the sizes do not fit 63
  ///   bits.
  package init(name: String, shape: Shape, encoding: TensorEncoding, sourceType: ElementType) throws {
    self.name = name
    self.shape = shape
    self.encoding = encoding
    self.sourceType = sourceType
    do {
      byteCount = try encoding.byteCount(of: shape)
    } catch var error as CogError {
      error.subject = error.subject ?? name
      throw error
    }
  }
}

/// A tensor that is stored.
package struct StoredTensor: Equatable, Sendable {
  /// What was to be stored.
  package let slot: TensorSlot
  /// The name of the file that holds it within a folder; empty where the output is one file.
  package let file: String
  /// Where its first byte lies in that file.
  package let offset: Int
  /// CRC-32 of its bytes.
  package let checksum: UInt32
  /// What storing it lost.
  package let error: StorageError

  /// A tensor at its place.
  package init(slot: TensorSlot, file: String = "", offset: Int, checksum: UInt32, error: StorageError) {
    self.slot = slot
    self.file = file
    self.offset = offset
    self.checksum = checksum
    self.error = error
  }

  /// Where its bytes lie in its file.
  package var range: Range<Int> { offset..<offset + slot.byteCount }
}
