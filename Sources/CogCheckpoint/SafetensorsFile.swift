package import CogBase
package import CogModel

/// A safetensors file, mapped: its header is read and checked when it opens, its tensors when they are used.
///
/// Checkpoint shards and reference bundles alike. Bytes point into the mapping, at any alignment.
package final class SafetensorsFile: CheckpointStore {
  /// The path as it was given.
  package let path: String
  /// The `__metadata__` of the header.
  package let metadata: [String: String]
  private let mapping: MappedFile
  private let table: EntryTable

  /// Opens the file and checks its header.
  ///
  /// - Throws: ``CogError`` when the file cannot be read, is something else, or its header and size do not
  ///   agree.
  package convenience init(path: String) throws { try self.init(MappedFile(path: path)) }

  /// The same of a file that is mapped. - Throws: as ``init(path:)``.
  package init(_ mapping: MappedFile) throws {
    path = mapping.path
    let path = path
    self.mapping = mapping
    let bytes = mapping.bytes
    let header = try naming(file: path) { try SafetensorsHeader(file: bytes, path: path) }
    metadata = header.metadata
    table = try EntryTable(header.entries)
  }

  /// All tensors by their offset in the file.
  package var entries: [TensorEntry] { table.entries }

  /// The one file.
  package var parts: [CheckpointFile] {
    [CheckpointFile(path: path, kind: .safetensors, byteCount: mapping.bytes.count)]
  }

  /// The tensor of a name, or nil.
  package func entry(named name: String) -> TensorEntry? { table.entry(named: name) }

  /// The tensor's bytes in the mapped file.
  ///
  /// - Throws: ``CogError`` when there is no such tensor.
  package func bytes(of entry: TensorEntry) throws -> OwnedBytes {
    guard let range = range(of: entry) else { throw missing(entry.name) }
    return OwnedBytes(mapping, range)
  }

  /// Lets the tensor's pages go.
  package func release(_ entry: TensorEntry) {
    if let range = range(of: entry) { mapping.letGo(range) }
  }

  /// In range of the file, as the header was checked against its size.
  private func range(of entry: TensorEntry) -> Range<Int>? {
    guard let own = table.entry(named: entry.name), let offset = own.offset else { return nil }
    return offset..<offset + own.byteCount
  }
}
