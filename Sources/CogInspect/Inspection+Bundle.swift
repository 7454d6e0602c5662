import CogCheckpoint
import CogModel

extension SafetensorsFile {
  /// Whether this holds what PyTorch computed for a prompt, or the frames of it (`Formats/references.md`):
  /// its metadata says so, or, for files of frames, its one kind of tensor.
  var isReferenceBundle: Bool {
    if metadata["compute_dtype"] != nil, entry(named: "input_ids") != nil { return true }
    return entry(named: "frames") != nil
      && entries.allSatisfy { ["frames", "frame_indices"].contains($0.name) }
  }
}

extension Inspection {
  /// Whether this is a reference bundle, which has taps and inputs instead of weights.
  package var isBundle: Bool { tensors.contains { $0.role == .tap || $0.role == .input } }

  /// Inspects a reference bundle: taps go to the part of the model that they are the output of, all else is
  /// input.
  init(bundle file: SafetensorsFile) {
    let tensors = file.entries.map { entry in
      let tap = TapPoint(name: entry.name)
      return Tensor(entry, part: tap?.part.rawValue ?? "inputs", role: tap == nil ? .input : .tap)
    }
    let kind =
      file.metadata["compute_dtype"].map { "a reference bundle: what PyTorch computed in \($0)" }
      ?? "the decoded frames of a reference bundle"
    self.init(
      path: file.path, files: file.parts.map(File.init), tensors: tensors, metadata: file.metadata,
      completeness: nil, notes: [kind])
  }
}
