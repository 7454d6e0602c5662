import CogBase
import CogCheckpoint
package import CogModel

extension Inspection {
  /// Inspects a checkpoint (a folder, an index, or one file) or a reference bundle. Reads headers only.
  ///
  /// - Throws: ``CogError`` that names what the path is when it is no checkpoint, or what is wrong with it. A
  ///   configuration that cannot be read is an error for a folder and a note for a single file.
  package init(path: String) throws {
    let source = try Checkpoints.open(path: path)
    if let bundle = source as? SafetensorsFile, bundle.isReferenceBundle {
      try self.init(bundle: bundle)
      return
    }
    let folder = CheckpointFolder(of: path)
    var notes: [String] = []
    var configuration: ModelConfiguration?
    let isFolder = source is ShardedCheckpoint
    let numbering =
      isFolder ? nil : ShardNumbering(String(path[(path.lastIndex(of: "/") ?? path.startIndex)...]))
    if folder.configurationPath != nil {
      do {
        configuration = try folder.configuration()
      } catch {
        if isFolder { throw error }
        notes.append("config.json beside the file was not used: \(error)")
      }
    } else if isFolder {
      notes.append("no config.json: the tensors cannot be compared with those of the model")
    }
    if let torch = source as? TorchFile, !torch.ignoredEntries.isEmpty {
      notes.append("not read: " + torch.ignoredEntries.prefix(8).joined(separator: ", "))
    }
    let isWhole = numbering == nil || Self.holdsWholeModel(source, configuration)
    if let numbering, !isWhole {
      notes.append(
        "one of \(numbering.count) shards: give their folder to compare the tensors with the model's")
    }
    try self.init(
      source: source, metadata: Self.metadata(of: source, folder, hasConfiguration: configuration != nil),
      configuration: configuration,
      companions: isFolder
        ? [source.indexPath, folder.configurationPath, folder.tokenizerPath].compactMap { $0 } : [],
      isWhole: isWhole, notes: notes)
  }

  /// Inspects a source that is open.
  ///
  /// - Parameters:
  ///   - source: the tensors.
  ///   - metadata: text that its files carry.
  ///   - configuration: the model's, when it is known: names the parts and allows the comparison.
  ///   - companions: files without tensors to list, such as `config.json`.
  ///   - isWhole: whether all tensors of the model should be there; one shard of several is not compared.
  ///   - notes: what a reader of the listing should know besides.
  /// - Throws: ``CogError`` when a file has gone or cannot be read.
  package init(
    source: any TensorStore, metadata: [String: String] = [:], configuration: ModelConfiguration? = nil,
    companions: [String] = [], isWhole: Bool = true, notes: [String] = []
  ) throws {
    let table = configuration.map(TensorTable.init)
    let entries = source.entries.map { entry in table.map(entry.placed) ?? entry }
    self.init(
      path: source.path, files: try (source.files + companions).map(Self.file),
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
    of source: any CheckpointStore, _ folder: CheckpointFolder, hasConfiguration: Bool
  ) throws -> [String: String] {
    guard hasConfiguration, let path = folder.configurationPath else { return source.metadata }
    let config = try MappedFile.withBytes(ofFile: path) { try JSON.parse($0, what: "configuration") }
    return source.metadata.merging(config.leaves(under: "config")) { first, _ in first }
  }

  static func file(_ path: String) throws -> File {
    File(
      path: path, kind: try FileKind.sniff(path: path).rawValue,
      byteCount: try FileStatus(path: path).byteCount)
  }
}
