import CogBase
package import CogCheckpoint
package import CogModel

extension Inspection {
  /// Inspects a checkpoint (a folder, an index, or one file) or a reference bundle. Reads headers only.
  ///
  /// - Throws: ``CogError`` when a file beside the weights cannot be read. A configuration that is wrong is
  ///   an error for a folder and a note for a single file.
  package init(_ checkpoint: Checkpoint) throws {
    let (source, path) = (checkpoint.store, checkpoint.store.path)
    if let bundle = source as? SafetensorsFile, bundle.isReferenceBundle {
      self.init(bundle: bundle)
      return
    }
    var notes: [String] = []
    var known: FolderSettings?
    let numbering =
      checkpoint.isWhole
      ? nil : ShardNumbering(path.lastPathName)
    do {
      known = try checkpoint.folder.settings()
      if known == nil, checkpoint.isWhole {
        notes.append("no config.json: the tensors cannot be compared with those of the model")
      }
    } catch {
      if checkpoint.isWhole { throw error }
      notes.append("config.json beside the file was not used: \(error)")
    }
    if let torch = source as? TorchFile, !torch.ignoredEntries.isEmpty {
      notes.append("not read: " + torch.ignoredEntries.prefix(8).joined(separator: ", "))
    }
    let isWhole = numbering == nil || Self.holdsWholeModel(source, known?.configuration)
    if let numbering, !isWhole {
      notes.append(
        "one of \(numbering.count) shards: give their folder to compare the tensors with the model's")
    }
    var companions: [File] = []
    if checkpoint.isWhole {
      companions += [source.index].compactMap { $0 }.map(File.init)
      companions += try [known?.file, checkpoint.folder.tokenizerFile()].compactMap { $0 }.map {
        File(CheckpointFile($0))
      }
    }
    let metadata = try known.map { try Self.metadata(of: source, $0) } ?? source.metadata
    self.init(
      source: source, metadata: metadata, configuration: known?.configuration, companions: companions,
      isWhole: isWhole, notes: notes)
  }

  /// Inspects a store that is open.
  ///
  /// - Parameters:
  ///   - source: the tensors.
  ///   - metadata: text that its files carry.
  ///   - configuration: the model's, when it is known: names the parts and allows the comparison.
  ///   - companions: files without tensors to list, such as `config.json`.
  ///   - isWhole: whether all tensors of the model should be there; one shard of several is not compared.
  ///   - notes: what a reader of the listing should know besides.
  package init(
    source: any CheckpointStore, metadata: [String: String] = [:], configuration: ModelConfiguration? = nil,
    companions: [File] = [], isWhole: Bool = true, notes: [String] = []
  ) {
    let table = configuration.map(TensorTable.init)
    let entries = source.entries.map { entry in table.map(entry.placed) ?? entry }
    self.init(
      path: source.path, files: source.parts.map(File.init) + companions,
      tensors: entries.map { Tensor($0) }, metadata: metadata,
      completeness: isWhole ? table.map { Completeness(entries: entries, table: $0) } : nil,
      notes: notes)
  }

  /// Whether a single file is more than one shard of several: whether it has tensors from both ends of the
  /// table.
  private static func holdsWholeModel(_ source: any TensorStore, _ configuration: ModelConfiguration?)
    -> Bool
  {
    guard let configuration else { return false }
    let table = TensorTable(configuration)
    return [TensorRole.tokenEmbedding, .outputHead, .patchProjection, .endOfImage].allSatisfy { role in
      table.specification(role).map { source.entry(named: $0.name) != nil } ?? false
    }
  }

  /// What the files carry, and the fields of a configuration that was read already.
  private static func metadata(
    of source: any CheckpointStore, _ settings: FolderSettings
  ) throws -> [String: String] {
    let config = try settings.file.withBytes { try JSON.parse($0, what: "configuration") }
    var metadata = source.metadata.merging(config.leaves(under: "config")) { first, _ in first }
    metadata.setEndOfText(settings.endOfText)
    return metadata
  }
}

extension [String: String] {
  /// Lists the ids that end an answer, where `config.json` alone does not say them.
  mutating func setEndOfText(_ ids: [Int]?) {
    if let ids { self["endOfText"] = ids.map(String.init).joined(separator: ", ") }
  }
}

extension Inspection.File {
  /// A file of a checkpoint.
  init(_ file: CheckpointFile) {
    self.init(path: file.path, kind: file.kind.rawValue, byteCount: file.byteCount)
  }
}
