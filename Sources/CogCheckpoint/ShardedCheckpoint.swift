import CogBase
package import CogModel

/// The tensors of several files as one store.
package final class ShardedCheckpoint: CheckpointStore {
  /// The path that the user gave: the folder or the index.
  package let path: String
  /// The text that the shards carry, joined; where they contradict, the first shard's.
  package let metadata: [String: String]
  /// The index that the shards were found by, or nil.
  package let index: CheckpointFile?
  private let shards: [any CheckpointStore]
  private let table: EntryTable
  /// The place in `shards` of each entry's file.
  private let shardByEntry: [Int]

  /// Joins files that are open already, in the order given.
  ///
  /// - Throws: ``CogError`` when a tensor is in two of them.
  init(path: String, shards: [any CheckpointStore], index: CheckpointFile? = nil) throws {
    self.path = path
    self.index = index
    self.shards = shards
    table = try EntryTable(shards.flatMap(\.entries))
    shardByEntry = shards.enumerated().flatMap { index, shard in
      [Int](repeating: index, count: shard.entries.count)
    }
    metadata = shards.reduce(into: [:]) { $0.merge($1.metadata) { first, _ in first } }
  }

  /// All tensors, file by file, by their offset in the file.
  package var entries: [TensorEntry] { table.entries }

  /// The files in order.
  package var parts: [CheckpointFile] { shards.flatMap(\.parts) }

  /// The tensor of a name, or nil.
  package func entry(named name: String) -> TensorEntry? { table.entry(named: name) }

  /// The tensor's bytes in its shard.
  ///
  /// - Throws: ``CogError`` when there is no such tensor or its bytes are damaged.
  package func bytes(of entry: TensorEntry) throws -> OwnedBytes {
    guard let shard = shard(of: entry) else { throw missing(entry.name) }
    return try shard.bytes(of: entry)
  }

  /// Lets the tensor's pages go.
  package func release(_ entry: TensorEntry) { shard(of: entry)?.release(entry) }

  private func shard(of entry: TensorEntry) -> (any CheckpointStore)? {
    table.index(of: entry.name).map { shards[shardByEntry[$0]] }
  }
}

extension ShardedCheckpoint {
  /// Opens the shards that an index names and holds them against it.
  ///
  /// - Throws: ``CogError`` when a shard is missing or is no checkpoint file, when a tensor is missing in its
  ///   shard, or when a shard has a tensor that the index does not place there.
  convenience init(index: ShardIndex, path: String, folder: CheckpointFolder) throws {
    let missing = index.shards.filter { !FileStatus.exists(folder.file($0)) }
    guard missing.isEmpty else {
      throw CogError(
        "\(missing.count) of \(index.shards.count) shards are missing", code: .incomplete, file: index.path,
        expected: missing[0],
        found: missing.count > 1
          ? "neither it nor " + missing.dropFirst().prefix(3).joined(separator: ", ") : "no such file",
        advice: "Download them into \(folder.path).")
    }
    let shards = try index.shards.map { try Checkpoints.openFile(RecognizedFile(path: folder.file($0))) }
    for (name, shard) in zip(index.shards, shards) {
      try Self.requireIndexed(shard, name: name, index)
    }
    try self.init(path: path, shards: shards, index: index.file)
    for (tensor, shard) in index.shardByTensor.sorted(by: { $0.key < $1.key })
    where entry(named: tensor) == nil {
      throw CogError(
        "the tensor is missing in its shard", code: .incomplete, file: folder.file(shard), subject: tensor,
        expected: "it there, by \(index.path)", found: "no such tensor",
        advice: "Index and shards are not of one download: download both again.")
    }
  }

  /// Every tensor of a shard must be one that the index places in it.
  private static func requireIndexed(_ shard: any CheckpointStore, name: String, _ index: ShardIndex) throws {
    for entry in shard.entries where index.shardByTensor[entry.name] != name {
      let place = index.shardByTensor[entry.name]
      throw CogError(
        "the shard has a tensor that the index does not place there", file: entry.file, subject: entry.name,
        expected: place.map { "it in \($0) alone, by \(index.path)" } ?? "no such tensor, by \(index.path)",
        found: "it here", advice: "Index and shards are not of one download: download both again.")
    }
  }
}
