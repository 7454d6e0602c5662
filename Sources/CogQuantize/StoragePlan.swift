import CogBase
import CogModel

/// A tensor that is to be stored.
struct PlannedTensor {
  let specification: TensorSpecification
  /// The tensor in the source.
  let entry: TensorEntry
  let slot: TensorSlot

  /// The slot for another encoding.
  func stored(as encoding: TensorEncoding) throws -> TensorSlot {
    if encoding == slot.encoding { return slot }
    return try TensorSlot(
      name: slot.name, shape: slot.shape, encoding: encoding, sourceType: slot.sourceType)
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

  /// The tensors as a sink gets them.
  var slots: [TensorSlot] { tensors.map(\.slot) }

  /// - Throws: ``CogError`` when the source lacks a tensor or has it in another shape or a type that weights
  ///   do not come in, or an override fits nothing.
  init(source: ModelSource, recipe: QuantizationRecipe) throws {
    let table = TensorTable(source.configuration)
    try recipe.checkOverrides(against: table)
    let tensors = try table.specifications.map { specification in
      guard let entry = source.tensors.entry(named: specification.name) else {
        throw source.tensors.missing(specification.name)
      }
      let slot = try TensorSlot(
        name: specification.name, shape: specification.shape,
        encoding: recipe.encoding(of: specification, sourceType: entry.floatType),
        sourceType: entry.encoding.plainType ?? entry.sourceType ?? entry.floatType)
      return PlannedTensor(specification: specification, entry: entry, slot: slot)
    }
    let places = Dictionary(
      source.tensors.entries.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    self.tensors = tensors
    fileOrder = tensors.indices.sorted {
      (places[tensors[$0].slot.name] ?? $0, $0) < (places[tensors[$1].slot.name] ?? $1, $1)
    }
    sourceBytes = try tensors.reduce(0) { try Checked.add($0, $1.entry.byteCount, "bytes of all tensors") }
  }
}
