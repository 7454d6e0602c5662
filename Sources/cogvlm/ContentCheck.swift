import CogBase
import CogCheckpoint
import CogNative

/// Reads every byte that carries a checksum and compares.
enum ContentCheck {
  /// Compares a native file's tensors with their checksums.
  ///
  /// - Throws: ``CogError`` that names the first damaged tensor and how many there are; an interrupt.
  static func checksums(of file: NativeFile) throws {
    let progress = Progress("Comparing checksums", total: file.fileSize)
    defer { progress.finish() }
    var damaged: [CogError] = []
    for tensor in file.tensors {
      try Interruption.check()
      do {
        try file.verifyChecksum(of: tensor)
      } catch let error as CogError {
        damaged.append(error)
      }
      progress.advance(by: tensor.byteCount, tensor.name)
    }
    guard var first = damaged.first else { return }
    if damaged.count > 1 { first.problem += " (the first of \(damaged.count))" }
    throw first
  }

  /// Reads every tensor of a checkpoint, which compares the checksums of PyTorch files, and the tokenizer beside it.
  ///
  /// - Throws: ``CogError`` that names the file and tensor at fault; an interrupt.
  static func checkpoint(_ path: String) throws {
    let source = try Checkpoints.open(path: path)
    let progress = Progress("Reading tensors", total: source.records.reduce(0) { $0 &+ $1.byteCount })
    defer { progress.finish() }
    for record in source.records {
      try Interruption.check()
      _ = try naming(file: record.file) { try source.view(of: record.name) }
      source.release(record.name)
      progress.advance(by: record.byteCount, record.name)
    }
    if let tokenizer = CheckpointFolder(of: path).tokenizerPath { _ = try TokenizerSource.open(tokenizer) }
  }
}
