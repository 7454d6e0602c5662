import Glibc

/// A small file, such as a report, that appears under its name only when it is whole.
///
/// Bytes go to a temporary file in the same folder. ``commit()`` makes them durable and renames it; an object
/// that goes away without a commit removes it. A crash leaves at most the temporary file, never half a
/// result. Work that takes long is a ``Part``, which can be taken up again.
package final class AtomicFile {
  /// The path that the file will have.
  package let path: String

  private let temporaryPath: String
  private var descriptor: Int32

  /// Opens a temporary file beside `path`.
  ///
  /// - Throws: ``CogError`` when the folder is missing or cannot be written, or `path` is empty.
  package init(path: String) throws {
    guard !path.isEmpty else {
      throw CogError("the output has no name", expected: "the name of a file", found: "an empty one")
    }
    self.path = path
    temporaryPath = "\(path).tmp-\(getpid())"
    descriptor = open(temporaryPath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw CogError.system("cannot create the file", file: path, code: errno) }
  }

  deinit { abandon() }

  /// Appends bytes.
  ///
  /// - Throws: ``CogError`` when the disk is full or fails.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count {
      let written = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw CogError.system("cannot write", file: path, code: errno) }
      done += written
    }
  }

  /// Appends bytes. - Throws: as ``write(_:)-(UnsafeRawBufferPointer)``.
  package func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  /// Makes the file durable and gives it its name.
  ///
  /// - Throws: ``CogError`` when the disk fails; the temporary file is removed then.
  package func commit() throws {
    guard fsync(descriptor) == 0 else { throw CogError.system("cannot write", file: path, code: errno) }
    close(descriptor)
    descriptor = -1
    guard rename(temporaryPath, path) == 0 else {
      let code = errno
      unlink(temporaryPath)
      throw CogError.system("cannot rename the finished file", file: path, code: code)
    }
  }

  /// Removes the temporary file; nothing appears under the name.
  package func abandon() {
    guard descriptor >= 0 else { return }
    close(descriptor)
    descriptor = -1
    unlink(temporaryPath)
  }
}
