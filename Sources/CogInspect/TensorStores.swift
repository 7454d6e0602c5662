import CogBase
import CogCheckpoint
package import CogModel
import CogNative

/// Opens what statistics and comparisons go through: anything with tensors, quantized ones included.
package enum TensorStores {
  /// Opens a checkpoint folder, index or file, or a native file, told apart by content. Reads headers only.
  ///
  /// - Throws: ``CogError`` that names what the path is when it is none of these, or what is wrong with it.
  package static func open(path: String) throws -> any TensorStore {
    if try !FileStatus(path: path).isFolder, try FileKind.sniff(path: path) == .native {
      return try NativeFile(path: path)
    }
    let checkpoint = try Checkpoints.open(path: path)
    // A configuration only gives the parts their names: without one, tensors are grouped by name.
    let folder = CheckpointFolder(of: path)
    guard folder.configurationPath != nil, let configuration = try? folder.configuration() else {
      return checkpoint
    }
    return try PlacedTensors(checkpoint, in: TensorTable(configuration))
  }
}
