import CogBase
import CogModel
import Crypto
import Dispatch
import Synchronization

/// SHA-256 of files, computed on a thread of its own from the pages that the conversion works on too.
final class FileHasher: Sendable {
  /// Bytes that are hashed between two looks at whether to stop, and let go of afterwards.
  private static let chunkBytes = 4 << 20

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
    defer { withExtendedLifetime(file) {} }
    var hash = SHA256()
    for start in stride(from: 0, to: file.bytes.count, by: Self.chunkBytes) {
      if isCancelled.load(ordering: .relaxed) { throw CancellationError() }
      try cancellation.check()
      let range = start..<min(start + Self.chunkBytes, file.bytes.count)
      hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: file.bytes[range]))
      file.advise(.done, range)
      window.hashes(path, to: range.upperBound)
    }
    let digest = hash.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    return ModelMetadata.SourceFile(
      name: path.lastPathName.shown, bytes: file.bytes.count, sha256: digest)
  }
}
