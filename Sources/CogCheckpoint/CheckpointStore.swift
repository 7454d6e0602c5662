package import CogModel

/// A store that also keeps what its files say about themselves.
package protocol CheckpointStore: TensorStore {
  /// Text that the file carries beside its tensors: the `__metadata__` of a safetensors file, the scalars
  /// beside the tensors of a PyTorch file.
  var metadata: [String: String] { get }
  /// The path of the index that was read to find the files, or nil where there is none.
  var indexPath: String? { get }
}

extension CheckpointStore {
  /// A single file has no index.
  package var indexPath: String? { nil }
}
