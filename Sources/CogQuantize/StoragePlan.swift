import CogBase
import CogModel
import CogNative

/// A tensor that is to be stored.
struct PlannedTensor {
  let specification: TensorSpecification
  let record: TensorRecord
  let encoding: TensorEncoding
}

/// All tensors of a conversion in the order of the table, checked against the source before anything is written.
struct StoragePlan {
  let tensors: [PlannedTensor]
  /// Bytes that the tensors take in the source.
  let sourceBytes: Int
  /// An upper bound of the tensors' bytes in the new file, padding included.
  let storedBytes: Int

  /// - Throws: ``CogError`` when the source lacks a tensor or has it in another shape or a type that weights do not
  ///   come in, or an override fits nothing.
  init(source: ModelSource, recipe: QuantizationRecipe) throws {
    let table = TensorTable(source.configuration)
    try recipe.checkOverrides(against: table)
    tensors = try table.specifications.map { specification in
      let record = try Self.record(of: specification, in: source.tensors)
      let encoding = recipe.encoding(of: specification, sourceType: record.elementType)
      return PlannedTensor(specification: specification, record: record, encoding: encoding)
    }
    sourceBytes = try tensors.reduce(0) { try Checked.add($0, $1.record.byteCount, "bytes of all tensors") }
    storedBytes = try tensors.reduce(0) { sum, tensor in
      let bytes = try NativeWriter.paddedByteCount(of: tensor.specification.shape, in: tensor.encoding)
      return try Checked.add(sum, bytes, "bytes of all tensors")
    }
  }

  private static func record(
    of specification: TensorSpecification, in source: any TensorSource
  ) throws -> TensorRecord {
    guard let record = source.record(of: specification.name) else {
      throw CogError("a tensor is missing", file: source.path, subject: specification.name)
    }
    guard record.shape == specification.shape else {
      throw CogError(
        "a tensor has the wrong shape", file: record.file, subject: specification.name,
        expected: specification.shape.description, found: record.shape.description)
    }
    guard record.elementType.isReadableFloat else {
      throw CogError(
        "weights do not come in this type", file: record.file, subject: specification.name,
        expected: "F64, F32, F16 or BF16", found: record.elementType.rawValue)
    }
    return record
  }

  /// Checks that the disk has room for the file.
  ///
  /// - Parameter otherBytes: bytes of tokenizer and metadata.
  func checkSpace(for path: String, otherBytes: Int) throws {
    let names = tensors.reduce(0) { $0 + $1.specification.name.utf8.count }
    let overhead = NativeWriter.overhead(
      tensorCount: tensors.count, nameBytes: names, metadataBytes: otherBytes, tokenizerBytes: 0)
    let needed = try Checked.add(storedBytes, overhead, "bytes of the file")
    guard let free = AtomicFile.freeSpace(near: path), free < needed else { return }
    throw CogError(
      "the disk has too little room", file: path, expected: "\(needed) free bytes", found: "\(free)",
      advice: "Free space or write to another disk.")
  }
}
