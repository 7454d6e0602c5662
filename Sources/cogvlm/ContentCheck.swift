import CogBase
import CogCompute
import CogNative

/// Reads every byte that carries a checksum and compares.
enum ContentCheck {
  /// Compares a native file's tensors with their checksums.
  ///
  /// - Throws: ``CogError`` that names the first damaged tensor and how many there are; what the context's
  ///   cancellation throws.
  static func checksums(of file: NativeFile, _ context: RunContext) throws {
    let progress = context.progress.begin("Comparing checksums", total: file.fileSize)
    defer { progress.finish() }
    var damaged: [CogError] = []
    for tensor in file.entries {
      try context.cancellation.check()
      do {
        try file.verifyChecksum(of: tensor)
      } catch let error as CogError where error.code == .damaged {
        damaged.append(error)
      }
      progress.advance(by: tensor.byteCount, tensor.name)
    }
    guard var first = damaged.first else { return }
    if damaged.count > 1 { first.problem += " (the first of \(damaged.count))" }
    throw first
  }
}
