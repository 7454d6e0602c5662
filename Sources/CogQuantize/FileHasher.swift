import CogBase
import CogModel
import Crypto
import Dispatch
import Synchronization

/// SHA-256 of files, computed on a thread of its own from the pages that the conversion works on too.
final class FileHasher: Sendable {
  private let window: SourceWindow
  private let cancellation: any Cancellation
  private let isCancelled = Atomic(false)
  private let result = Mutex<Result<[ModelMetadata.SourceFile], any Error>>(.success([]))
  /// Left once the files are hashed, or the thread has stopped.
  private let work = DispatchGroup()

  /// Starts to hash files; `window` is told how far this is, and keeps it close to the conversion.
  ///
  /// - Parameter cancellation: asked between chunks; what it throws, ``hashes()`` throws.
  init(_ paths: [String], window: SourceWindow, cancellation: any Cancellation) {
    self.window = window
    self.cancellation = cancellation
    DispatchQueue.global(qos: .utility).async(group: work) { [self] in
      let hashes = Result { try paths.map(hash) }
      result.withLock { $0 = hashes }
    }
  }

  /// Makes the thread stop soon; one that waits for the conversion goes on when that ends
  /// (``SourceWindow/endReading()``).
  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  /// Waits for the hashes of all files, in order.
  ///
  /// - Throws: ``CogError`` when a file cannot be read; what the cancellation throws.
  func hashes() throws -> [ModelMetadata.SourceFile] {
    work.wait()
    return try result.withLock { $0 }.get()
  }

  private func hash(_ path: String) throws -> ModelMetadata.SourceFile {
    let file = try MappedFile(path: path)
    var hash = SHA256()
    try file.readOnce { bytes in
      if isCancelled.load(ordering: .relaxed) { throw CancellationError() }
      try cancellation.check()
      hash.update(bufferPointer: bytes)
    } passed: { range in
      window.hashes(path, to: range.upperBound)
    }
    return ModelMetadata.SourceFile(
      name: path.lastPathName.shown, bytes: file.bytes.count, sha256: hash.finalize().hexadecimal)
  }
}
