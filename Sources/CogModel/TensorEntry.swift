package import CogBase

/// What is known of one tensor of a file before any of its bytes is read.
package struct TensorEntry: Equatable, Sendable {
  /// The name in the file.
  package var name: String
  /// The shape in the file.
  package var shape: Shape
  /// How its elements are stored.
  package var encoding: TensorEncoding
  /// The file that holds the bytes, as a path.
  package var file: String
  /// Where its first byte lies in that file, or nil where the bytes are compressed or not stored row by row.
  package var offset: Int?
  /// Bytes that encoding and shape ask for.
  package var byteCount: Int
  /// Where it belongs in the model.
  package var place = ModelPlace.unknown
  /// The element type that it had in the checkpoint, where a conversion recorded it.
  package var sourceType: ElementType?
  /// CRC-32 of the stored bytes, where the file has one for each tensor.
  package var checksum: UInt32?
  /// What storing it in this encoding lost, where a conversion recorded it.
  package var error: StorageError?

  /// A tensor of a checkpoint, whose bytes are its elements.
  ///
  /// - Parameters:
  ///   - type: the type of its elements.
  ///   - offset: where they lie in the file, or nil.
  ///   - byteCount: bytes that the elements take when stored contiguously.
  package init(name: String, type: ElementType, shape: Shape, file: String, offset: Int?, byteCount: Int) {
    (self.name, encoding, self.shape) = (name, .plain(type), shape)
    (self.file, self.offset, self.byteCount) = (file, offset, byteCount)
  }

  /// A tensor of a native file.
  ///
  /// - Parameter offset: a multiple of 4096.
  package init(
    name: String, shape: Shape, encoding: TensorEncoding, file: String, offset: Int, byteCount: Int,
    sourceType: ElementType, checksum: UInt32, error: StorageError
  ) {
    (self.name, self.shape, self.encoding) = (name, shape, encoding)
    (self.file, self.offset, self.byteCount) = (file, offset, byteCount)
    (self.sourceType, self.checksum, self.error) = (sourceType, checksum, error)
  }

  /// The part of the model that it belongs to, where that is known.
  package var part: ModelPart? { place.specification?.part }
  /// What it does in the model, where that is known.
  package var role: TensorRole? { place.specification?.role }
  /// The layer within the language model or the vision tower, where it is in one and that is known.
  package var layer: Int? { place.specification?.layer }

  /// Bits that one element takes on average, scales and padding included.
  package var bitsPerWeight: Double { Double(byteCount) * 8 / Double(max(shape.elementCount, 1)) }

  /// The same tensor with its place in the model of a table.
  package func placed(in table: TensorTable) -> TensorEntry {
    var entry = self
    entry.place = table.specification(named: name).map(ModelPlace.known) ?? .foreign
    return entry
  }

  /// The same tensor as one that a model has.
  package func known(as specification: TensorSpecification) -> TensorEntry {
    var entry = self
    entry.place = .known(specification)
    return entry
  }
}

/// Where a tensor belongs in a model.
package enum ModelPlace: Equatable, Sendable {
  /// The model is not known.
  case unknown
  /// The model has no such tensor.
  case foreign
  /// The model has this tensor.
  case known(TensorSpecification)

  /// The model's tensor, where there is one.
  package var specification: TensorSpecification? {
    if case .known(let specification) = self { specification } else { nil }
  }
}
