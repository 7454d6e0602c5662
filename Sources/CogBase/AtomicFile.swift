import Glibc

/// A file that appears under its name only when it is whole.
///
/// Bytes go to a temporary file in the same folder. ``commit()`` makes them durable and renames it; an object
/// that goes away without a commit removes it. A crash leaves at most the temporary file, never half a
/// result.
package final class AtomicFile {
  /// The path that the file will have.
  package let path: String
  /// Bytes written so far by ``write(_:)``.
  package private(set) var offset = 0
  /// Bytes that a file in huge pages takes beside its own until ``commit()``.
  package static let spareBytes = HugePageWindows.byteCount

  private let temporaryPath: String
  private var descriptor: Int32
  private var windows: HugePageWindows?
  /// Where the last byte that was written ends.
  private var end = 0

  /// Opens a temporary file beside `path`.
  ///
  /// - Parameter inHugePages: whether the file will be mapped and read again and again: its pages are kept so
  ///   that the system can map them as huge ones (``HugePageWindows``).
  /// - Throws: ``CogError`` when the folder is missing or cannot be written, or `path` is empty.
  package init(path: String, inHugePages: Bool = false) throws {
    windows = inHugePages ? HugePageWindows() : nil
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
    try write(bytes, at: offset)
    offset += bytes.count
  }

  /// Appends bytes. - Throws: as ``write(_:)-(UnsafeRawBufferPointer)``.
  package func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  /// Appends zeros until the length is a multiple of `alignment`. - Throws: as ``write(_:)``.
  package func pad(to alignment: Int) throws {
    let rest = offset % alignment
    if rest != 0 { try write([UInt8](repeating: 0, count: alignment - rest)) }
  }

  /// Writes bytes at an offset, without moving ``offset``. - Throws: as ``write(_:)``.
  package func write(_ bytes: UnsafeRawBufferPointer, at position: Int) throws {
    let range = position..<position + bytes.count
    for start in windows?.begin(range) ?? [] {
      try HugePageWindows.zeros.withUnsafeBytes { try writeAll($0, at: start) }
    }
    try writeAll(bytes, at: position)
    end = max(end, range.upperBound)
  }

  private func writeAll(_ bytes: UnsafeRawBufferPointer, at position: Int) throws {
    var done = 0
    while done < bytes.count {
      let written = pwrite(
        descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(position + done))
      if written < 0 {
        if errno == EINTR { continue }
        throw CogError.system("cannot write", file: path, code: errno)
      }
      done += written
    }
  }

  /// Makes the file durable and gives it its name.
  ///
  /// - Throws: ``CogError`` when the disk fails; the temporary file is removed then.
  package func commit() throws {
    // The last window may reach beyond the end.
    guard windows == nil || ftruncate(descriptor, off_t(end)) == 0 else {
      throw CogError.system("cannot write", file: path, code: errno)
    }
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

  /// Free bytes on the disk that holds the folder of `path`, or nil when it cannot be told.
  package static func freeSpace(near path: String) -> Int? {
    var status = statvfs()
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard statvfs(folder, &status) == 0 else { return nil }
    return Int(
      clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
  }
}
