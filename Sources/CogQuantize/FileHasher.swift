import CogBase
import CogModel
import CogNative
import Crypto
import Dispatch
import Foundation
import Synchronization

/// SHA-256 of files, computed on a thread of its own from the pages that the conversion works on too.
final class FileHasher: Sendable {
  private let state = Mutex<Outcome>(.running(cancelled: false))
  private let done = DispatchSemaphore(value: 0)

  private enum Outcome {
    case running(cancelled: Bool)
    case finished(Result<[NativeMetadata.SourceFile], any Error>)
  }

  /// Bytes that are hashed between two looks at the flag, and let go of afterwards.
  private static let chunkBytes = 4 << 20
  private let window: SourceWindow

  /// Starts to hash files; `window` is told how far this is, and keeps it close to the conversion.
  init(_ paths: [String], window: SourceWindow) {
    self.window = window
    DispatchQueue.global(qos: .utility).async { [self] in
      let result = Result { try paths.map(hash) }
      state.withLock { $0 = .finished(result) }
      done.signal()
    }
  }

  /// Makes the thread stop soon.
  func cancel() {
    state.withLock { if case .running = $0 { $0 = .running(cancelled: true) } }
  }

  /// Waits for the hashes of all files, in order.
  ///
  /// - Parameter stopCheck: called several times a second; what it throws ends the wait.
  /// - Throws: ``CogError`` when a file cannot be read.
  func wait(_ stopCheck: () throws -> Void) throws -> [NativeMetadata.SourceFile] {
    while done.wait(timeout: .now() + .milliseconds(50)) == .timedOut { try stopCheck() }
    guard case .finished(let result) = state.withLock({ $0 }) else { return [] }
    return try result.get()
  }

  private var isCancelled: Bool {
    state.withLock { if case .running(let cancelled) = $0 { cancelled } else { false } }
  }

  private func hash(_ path: String) throws -> NativeMetadata.SourceFile {
    let file = try MappedFile(path: path)
    defer { withExtendedLifetime(file) {} }
    var hash = SHA256()
    for start in stride(from: 0, to: file.bytes.count, by: Self.chunkBytes) {
      if isCancelled { throw CancellationError() }
      let range = start..<min(start + Self.chunkBytes, file.bytes.count)
      hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: file.bytes[range]))
      file.advise(.done, range)
      window.hashes(path, to: range.upperBound) { isCancelled }
    }
    let digest = hash.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    return NativeMetadata.SourceFile(
      name: URL(filePath: path).lastPathComponent, bytes: file.bytes.count, sha256: digest)
  }
}
