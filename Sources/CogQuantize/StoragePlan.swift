import CogBase
import CogModel
import CogNative

/// A tensor that is to be stored.
struct PlannedTensor {
  let specification: TensorSpecification
  /// The tensor in the source.
  let entry: TensorEntry
  let encoding: TensorEncoding

  /// What the writer must know to give it a place.
  var reservation: NativeWriter.Reservation {
    .init(name: specification.name, shape: specification.shape, encoding: encoding)
  }
}

/// All tensors of a conversion in the order of the table, checked against the source before anything is
/// written.
struct StoragePlan {
  let tensors: [PlannedTensor]
  /// The indices of `tensors` in the order in which their bytes lie in the source's files.
  let fileOrder: [Int]
  /// Bytes that the tensors take in the source.
  let sourceBytes: Int
  /// An upper bound of the tensors' bytes in the new file, padding included.
  let storedBytes: Int

  /// - Throws: ``CogError`` when the source lacks a tensor or has it in another shape or a type that weights
  ///   do not come in, or an override fits nothing.
  init(source: ModelSource, recipe: QuantizationRecipe) throws {
    let table = TensorTable(source.configuration)
    try recipe.checkOverrides(against: table)
    let tensors = try table.specifications.map { specification in
      guard let entry = source.tensors.entry(named: specification.name) else {
        throw source.tensors.missing(specification.name)
      }
      let encoding = recipe.encoding(
        of: specification, sourceType: try SourceTensor.elementType(of: entry))
      return PlannedTensor(specification: specification, entry: entry, encoding: encoding)
    }
    let places = Dictionary(
      source.tensors.entries.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    self.tensors = tensors
    fileOrder = tensors.indices.sorted {
      (places[tensors[$0].specification.name] ?? $0, $0) < (places[tensors[$1].specification.name] ?? $1, $1)
    }
    sourceBytes = try tensors.reduce(0) { try Checked.add($0, $1.entry.byteCount, "bytes of all tensors") }
    storedBytes = try tensors.reduce(0) { sum, tensor in
      let bytes = try NativeWriter.paddedByteCount(of: tensor.specification.shape, in: tensor.encoding)
      return try Checked.add(sum, bytes, "bytes of all tensors")
    }
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
