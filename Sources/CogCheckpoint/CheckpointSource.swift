import CogBase
package import CogModel

/// A tensor source that also keeps what its files say about themselves.
package protocol CheckpointSource: TensorSource {
  /// Text that the file carries beside its tensors: the `__metadata__` of a safetensors file, the scalars
  /// beside the tensors of a PyTorch file.
  var metadata: [String: String] { get }
  /// The path of the index that was read to find the files, or nil where there is none.
  var indexPath: String? { get }
}

extension CheckpointSource {
  /// A single file has no index.
  package var indexPath: String? { nil }
}

/// The tensors of one file in the order in which they lie, with their positions by name.
struct RecordTable: Sendable {
  let records: [TensorRecord]
  private let indexByName: [String: Int]

  /// - Throws: ``CogError`` when two records have one name.
  init(_ records: [TensorRecord]) throws {
    self.records = records
    var indexByName: [String: Int] = [:]
    indexByName.reserveCapacity(records.count)
    for (index, record) in records.enumerated() {
      if let earlier = indexByName.updateValue(index, forKey: record.name) {
        throw CogError(
          "the tensor is there twice", file: record.file, subject: record.name,
          found: "it in \(records[earlier].file) and in \(record.file)",
          advice: "Remove the copy that does not belong.")
      }
    }
    self.indexByName = indexByName
  }

  func index(of name: String) -> Int? { indexByName[name] }

  func record(of name: String) -> TensorRecord? { indexByName[name].map { records[$0] } }
}
