package import CogModel

/// A checkpoint that is open: its tensors and the folder in which they lie.
package struct Checkpoint: Sendable {
  /// The tensors.
  package let store: any CheckpointStore
  /// The folder, which may have `config.json` and `tokenizer.json`.
  package let folder: CheckpointFolder

  /// Opens what was looked at.
  ///
  /// - Throws: ``CogError`` that names what the path is when it is no checkpoint, or what is wrong with it.
  package init(_ place: RecognizedPath) throws {
    store = try Checkpoints.open(place)
    folder = CheckpointFolder(of: place.path)
  }

  /// The tensors with their places in the model where there is a configuration, which is what gives parts
  /// their names; one that cannot be read is passed over.
  ///
  /// - Throws: ``CogError`` when two tensors have one name, which no store that opened has.
  package func placedTensors() throws -> any TensorStore {
    guard let file = try? folder.configurationFile(), let configuration = try? ModelConfiguration(file) else {
      return store
    }
    return try PlacedTensors(store, in: TensorTable(configuration))
  }

  /// Whether a folder or an index was named, and not one file of weights.
  package var isWhole: Bool { store is ShardedCheckpoint }
}
