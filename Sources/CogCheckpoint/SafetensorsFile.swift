import CogBase
package import CogModel

/// A safetensors file, mapped: its header is read and checked when it opens, its tensors when they are used.
///
/// Checkpoint shards and reference bundles alike. Views point into the mapping, at any alignment.
package final class SafetensorsFile: CheckpointSource {
  /// The path as it was given.
  package let path: String
  /// The `__metadata__` of the header.
  package let metadata: [String: String]
  private let mapping: MappedFile
  private let table: RecordTable

  /// Opens the file and checks its header.
  ///
  /// - Throws: ``CogError`` when the file cannot be read, is something else, or its header and size do not
  ///   agree.
  package init(path: String) throws {
    self.path = path
    mapping = try MappedFile(path: path)
    let bytes = mapping.bytes
    let header = try naming(file: path) { try SafetensorsHeader(file: bytes, path: path) }
    metadata = header.metadata
    table = try RecordTable(header.records)
  }

  /// All tensors by their offset in the file.
  package var records: [TensorRecord] { table.records }

  /// The one file.
  package var files: [String] { [path] }

  /// The record of a tensor, or nil.
  package func record(of name: String) -> TensorRecord? { table.record(of: name) }

  /// The tensor's bytes in the mapped file.
  ///
  /// - Throws: ``CogError`` when there is no such tensor.
  package func view(of name: String) throws -> TensorView {
    guard let record = record(of: name), let range = Self.range(of: record) else { throw missing(name) }
    return TensorView(
      elementType: record.elementType, shape: record.shape,
      bytes: UnsafeRawBufferPointer(rebasing: mapping.bytes[range]), owner: mapping)
  }

  /// Starts reading the tensor's pages ahead.
  package func prefetch(_ name: String) { advise(.willNeed, name) }

  /// Lets the tensor's pages go.
  package func release(_ name: String) { advise(.done, name) }

  private func advise(_ advice: MappedFile.Advice, _ name: String) {
    if let range = record(of: name).flatMap(Self.range) { mapping.advise(advice, range) }
  }

  /// In range of the file, as the header was checked against its size.
  private static func range(of record: TensorRecord) -> Range<Int>? {
    record.fileOffset.map { $0..<$0 + record.byteCount }
  }
}
