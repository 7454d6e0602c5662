package import CogModel

/// A store that also keeps what its files say about themselves.
package protocol CheckpointStore: TensorStore {
  /// Text that the file carries beside its tensors: the `__metadata__` of a safetensors file, the scalars
  /// beside the tensors of a PyTorch file.
  var metadata: [String: String] { get }
  /// The files that hold the tensors, in order, with what they are.
  var parts: [CheckpointFile] { get }
  /// The index that was read to find the files, or nil where there is none.
  var index: CheckpointFile? { get }
}

extension CheckpointStore {
  /// A single file has no index.
  package var index: CheckpointFile? { nil }

  /// The files that hold the tensors, in order, as paths.
  package var files: [String] { parts.map(\.path) }
}

/// A file of a checkpoint.
package struct CheckpointFile: Equatable, Sendable {
  /// Its path.
  package let path: String
  /// What it is.
  package let kind: FileKind
  /// Its length in bytes.
  package let byteCount: Int

  /// A file that was looked at.
  package init(_ file: RecognizedFile) {
    (path, kind, byteCount) = (file.path, file.kind, file.byteCount)
  }

  init(path: String, kind: FileKind, byteCount: Int) {
    (self.path, self.kind, self.byteCount) = (path, kind, byteCount)
  }
}
