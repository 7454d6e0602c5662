package import CogBase

/// Anything that has named tensors with their bytes: a file of a checkpoint, all files of one, a native file.
///
/// Names are unique; a store that finds a name twice does not open.
package protocol TensorStore: AnyObject, Sendable {
  /// The path that the user gave.
  var path: String { get }
  /// All tensors in the order in which they lie in the files, file by file.
  var entries: [TensorEntry] { get }
  /// The files that hold the tensors, in order, as paths.
  var files: [String] { get }
  /// The tensor of a name, or nil.
  func entry(named name: String) -> TensorEntry?
  /// The stored bytes of a tensor, as many as its encoding and shape ask for. Cheap: a mapped tensor is not
  /// read until it is used. Checksums that native files have are compared by ``verifyChecksum(of:)`` alone,
  /// those of other files here.
  ///
  /// - Throws: ``CogError`` when there is no such tensor or its bytes are damaged.
  func bytes(of entry: TensorEntry) throws -> OwnedBytes
  /// Reads a tensor's bytes and compares them with its checksum, where it has one that ``bytes(of:)`` does
  /// not look at.
  ///
  /// - Throws: ``CogError`` with the code `damaged` when they differ.
  func verifyChecksum(of entry: TensorEntry) throws
  /// Lets the memory behind a tensor's bytes go. A hint.
  func release(_ entry: TensorEntry)
}

extension TensorStore {
  /// Does nothing where ``bytes(of:)`` compares what there is.
  package func verifyChecksum(of entry: TensorEntry) throws {}

  /// The bytes of a tensor, counted.
  ///
  /// - Throws: ``CogError`` as ``bytes(of:)``, and when they are not as many as encoding and shape ask for.
  package func wholeBytes(of entry: TensorEntry) throws -> OwnedBytes {
    let bytes = try bytes(of: entry)
    let expected = try entry.encoding.byteCount(of: entry.shape)
    guard bytes.count == expected else {
      throw CogError(
        "the tensor has another number of bytes than its shape", code: .damaged, file: entry.file,
        subject: entry.name, expected: "\(expected)", found: "\(bytes.count)")
    }
    return bytes
  }

  /// The entry and the bytes of a tensor.
  ///
  /// - Throws: ``CogError`` when there is no such tensor or its bytes are damaged.
  package func tensor(named name: String) throws -> (entry: TensorEntry, bytes: OwnedBytes) {
    guard let entry = entry(named: name) else { throw missing(name) }
    return (entry, try bytes(of: entry))
  }

  /// The error for a name that the store does not have.
  package func missing(_ name: String) -> CogError {
    CogError("no such tensor", code: .incomplete, file: path, subject: name)
  }

  /// Compares the store's tensors with those that a model of this configuration must have.
  package func completeness(for configuration: ModelConfiguration) -> Completeness {
    Completeness(entries: entries, table: TensorTable(configuration))
  }
}

/// Tensors with their positions by name.
package struct EntryTable: Sendable {
  /// The tensors in their order.
  package let entries: [TensorEntry]
  private let indexByName: [String: Int]

  /// - Throws: ``CogError`` when two tensors have one name.
  package init(_ entries: [TensorEntry]) throws {
    self.entries = entries
    var indexByName: [String: Int] = [:]
    indexByName.reserveCapacity(entries.count)
    for (index, entry) in entries.enumerated() {
      if let earlier = indexByName.updateValue(index, forKey: entry.name) {
        throw CogError(
          "the tensor is there twice", file: entry.file, subject: entry.name,
          found: "it in \(entries[earlier].file) and in \(entry.file)",
          advice: "Remove the copy that does not belong.")
      }
    }
    self.indexByName = indexByName
  }

  /// The position of a tensor, or nil.
  package func index(of name: String) -> Int? { indexByName[name] }

  /// The tensor of a name, or nil.
  package func entry(named name: String) -> TensorEntry? { indexByName[name].map { entries[$0] } }

  /// The same tensors with their places in the model of a table.
  package func placed(in table: TensorTable) -> EntryTable {
    EntryTable(placed: entries.map { $0.placed(in: table) }, indexByName)
  }

  private init(placed entries: [TensorEntry], _ indexByName: [String: Int]) {
    (self.entries, self.indexByName) = (entries, indexByName)
  }
}

/// A store whose tensors know their places in a model.
package final class PlacedTensors: TensorStore {
  private let store: any TensorStore
  private let table: EntryTable

  /// The tensors of a store, placed in the model of a table.
  ///
  /// - Throws: ``CogError`` when two tensors have one name, which no store that opened has.
  package init(_ store: any TensorStore, in table: TensorTable) throws {
    self.store = store
    self.table = try EntryTable(store.entries).placed(in: table)
  }

  package var path: String { store.path }
  package var entries: [TensorEntry] { table.entries }
  package var files: [String] { store.files }
  package func entry(named name: String) -> TensorEntry? { table.entry(named: name) }
  package func bytes(of entry: TensorEntry) throws -> OwnedBytes { try store.bytes(of: entry) }
  package func verifyChecksum(of entry: TensorEntry) throws { try store.verifyChecksum(of: entry) }
  package func release(_ entry: TensorEntry) { store.release(entry) }
}
