package import Glibc

/// System calls on paths: the one place where the text of a path becomes bytes.
///
/// Each sets `errno` as the call does. A path with a zero byte, such as one from a file of JSON, is none:
/// `EINVAL`.
package enum FileSystem {
  private static func with<Result>(
    _ path: String, otherwise failure: Result, _ call: (UnsafePointer<CChar>) -> Result
  ) -> Result {
    let bytes = path.pathBytes
    guard !bytes.contains(0) else {
      errno = EINVAL
      return failure
    }
    return (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { bytes in
      bytes.baseAddress.map(call) ?? failure
    }
  }

  /// `open(2)`, closed in child processes: a descriptor, or -1.
  package static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o644) -> Int32 {
    with(path, otherwise: -1) { Glibc.open($0, flags | O_CLOEXEC, mode) }
  }

  /// Opens what is read. Without waiting: opening a named pipe would block for ever.
  package static func openForReading(_ path: String) -> Int32 { open(path, O_RDONLY | O_NONBLOCK) }

  /// `write(2)`, at a place `pwrite(2)`, again and again until all bytes are written.
  ///
  /// - Returns: the error that stopped it, or 0.
  package static func writeAll(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at place: Int? = nil
  ) -> Int32 {
    var rest = bytes
    while let start = rest.baseAddress, !rest.isEmpty {
      let done = bytes.count - rest.count
      let written =
        place.map { pwrite(descriptor, start, rest.count, off_t($0 + done)) }
        ?? Glibc.write(descriptor, start, rest.count)
      if written < 0 && errno == EINTR { continue }
      // A disk that takes nothing and gives no reason would be asked for ever.
      guard written > 0 else { return written < 0 ? errno : EIO }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
    return 0
  }

  /// `stat(2)`: what stands at a path, links followed; nil with `errno`.
  package static func status(of path: String) -> stat? {
    var status = stat()
    return with(path, otherwise: -1) { stat($0, &status) } == 0 ? status : nil
  }

  /// `lstat(2)`: what stands at a path, be it a link; nil with `errno`.
  package static func linkStatus(of path: String) -> stat? {
    var status = stat()
    return with(path, otherwise: -1) { lstat($0, &status) } == 0 ? status : nil
  }

  /// Whether there is anything at a path, links followed.
  package static func isThere(_ path: String) -> Bool { status(of: path) != nil }

  /// `unlink(2)`.
  @discardableResult
  package static func remove(_ path: String) -> Int32 { with(path, otherwise: -1) { Glibc.unlink($0) } }

  /// `rmdir(2)`.
  package static func removeFolder(_ path: String) -> Int32 { with(path, otherwise: -1) { Glibc.rmdir($0) } }

  /// `mkdir(2)`.
  package static func makeFolder(_ path: String) -> Int32 {
    with(path, otherwise: -1) { Glibc.mkdir($0, 0o755) }
  }

  /// Makes a folder where there is none.
  ///
  /// - Throws: ``CogError`` when it cannot be made, or something else stands there.
  package static func requireFolder(_ path: String) throws {
    guard makeFolder(path) != 0 else { return }
    let code = errno
    guard code == EEXIST, status(of: path)?.isFolder == true else {
      throw CogError.system("cannot create the folder", file: path, code: code)
    }
  }

  /// `rename(2)`.
  package static func rename(_ path: String, to other: String) -> Int32 {
    with(path, otherwise: -1) { old in with(other, otherwise: -1) { Glibc.rename(old, $0) } }
  }

  /// Gives a file the time of now, as one that was just used; of no consequence where that is not allowed.
  package static func touch(_ path: String) {
    _ = with(path, otherwise: -1) { utimensat(AT_FDCWD, $0, nil, 0) }
  }

  /// `link(2)`: another name for a file; fails where there is something of that name.
  package static func link(_ path: String, as other: String) -> Int32 {
    with(path, otherwise: -1) { old in with(other, otherwise: -1) { Glibc.link(old, $0) } }
  }

  /// Makes the names in a folder durable, where the file system can and the folder may be read.
  ///
  /// - Returns: the error that stopped it, or 0.
  package static func synchronizeFolder(_ path: String) -> Int32 {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY)
    defer { if descriptor >= 0 { Glibc.close(descriptor) } }
    guard descriptor < 0 || fsync(descriptor) != 0, ![EACCES, EINVAL, ENOTSUP].contains(errno) else {
      return 0
    }
    return errno
  }

  /// `opendir(3)`.
  static func openFolder(_ path: String) -> OpaquePointer? {
    with(path, otherwise: nil) { Glibc.opendir($0) }
  }

  /// `readlink(2)`: where a link points; nil for what is no link, with `errno`.
  package static func linkTarget(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = with(path, otherwise: -1) { path in
      buffer.withUnsafeMutableBytes { buffer in
        buffer.baseAddress.map {
          Glibc.readlink(path, $0.assumingMemoryBound(to: CChar.self), buffer.count)
        } ?? -1
      }
    }
    return count < 0 ? nil : String(pathBytes: buffer.prefix(count))
  }

  /// `realpath(3)`: the path without links, `.` and `..`; nil with `errno`.
  package static func realPath(_ path: String) -> String? {
    guard let found = with(path, otherwise: nil, { Glibc.realpath($0, nil) }) else { return nil }
    defer { free(found) }
    return String(pathBytes: UnsafeRawBufferPointer(start: found, count: strlen(found)))
  }

  /// Whether a folder is the kernel's own of processes, where links stand for what they have open.
  static func isOfProcesses(_ folder: String) -> Bool {
    status(of: folder).map { $0.st_dev == status(of: "/proc")?.st_dev } ?? false
  }

  /// Free bytes on the disk that holds a folder; nil when it cannot be told.
  static func freeSpace(in folder: String) -> Int? {
    var status = statvfs()
    guard with(folder, otherwise: -1, { statvfs($0, &status) }) == 0 else { return nil }
    return Int(
      clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
  }
}

extension stat {
  /// The type of what it is about, such as `S_IFREG`.
  package var type: mode_t { st_mode & S_IFMT }
  /// Whether it is about a folder.
  package var isFolder: Bool { type == S_IFDIR }
  /// Whether it is about a regular file.
  package var isRegular: Bool { type == S_IFREG }

  /// Whether it is about the same as another, under whatever name.
  package func isSame(as other: stat) -> Bool { st_dev == other.st_dev && st_ino == other.st_ino }
}
