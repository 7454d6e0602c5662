import Glibc

/// A file mapped read-only into memory; pages are read when they are touched, as huge ones where the system
/// can.
///
/// The bytes stay valid as long as the object lives, so everything that hands out a pointer into them keeps
/// a reference to it.
package final class MappedFile: @unchecked Sendable {
  /// The path as it was given.
  package let path: String
  /// All bytes of the file.
  package let bytes: UnsafeRawBufferPointer

  /// Maps the file at `path`.
  ///
  /// - Throws: ``CogError`` when it cannot be opened, is not a regular file, or is empty.
  package init(path: String) throws {
    self.path = path
    let descriptor = FileSystem.openForReading(path)
    guard descriptor >= 0 else { throw CogError.system("cannot open", file: path, code: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw CogError.system("cannot read the size", file: path, code: errno)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw CogError(
        "not a regular file", file: path,
        found: status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a pipe, socket or device")
    }
    let size = Int(status.st_size)
    guard size > 0 else {
      throw CogError("the file is empty", file: path, advice: "Download it again.")
    }
    guard let address = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), address != MAP_FAILED else {
      throw CogError.system("cannot map", file: path, code: errno)
    }
    PageCache.wantHugePages(address, size)
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  /// Maps a file only while `body` reads its bytes.
  ///
  /// A mapping without references is unmapped at once, its bytes with it; this keeps one.
  ///
  /// - Throws: as ``init(path:)``, and what `body` throws.
  package static func withBytes<Result>(
    ofFile path: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    let file = try MappedFile(path: path)
    return try withExtendedLifetime(file) { try body(file.bytes) }
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }

  /// Reads the file once, front to back, and lets go of the pages behind.
  ///
  /// - Parameters:
  ///   - use: gets the bytes of a piece of 4 MB, or what is left.
  ///   - passed: is told where the piece lies in the file once its pages have left the process.
  /// - Throws: what `use` and `passed` throw.
  package func readOnce(
    _ use: (UnsafeRawBufferPointer) throws -> Void, passed: (Range<Int>) throws -> Void
  ) rethrows {
    let pieceBytes = 4 << 20
    try withExtendedLifetime(self) {
      for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
        let range = start..<min(start + pieceBytes, bytes.count)
        try use(UnsafeRawBufferPointer(rebasing: bytes[range]))
        letGo(range)
        try passed(range)
      }
    }
  }

  /// Lets the pages of a range (bytes) leave the process. A hint: it never fails, and the bytes stay valid.
  package func letGo(_ range: Range<Int>) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let clamped = range.clamped(to: 0..<bytes.count)
    let start = clamped.lowerBound / page * page
    guard let base = bytes.baseAddress, clamped.upperBound > start else { return }
    madvise(UnsafeMutableRawPointer(mutating: base + start), clamped.upperBound - start, MADV_DONTNEED)
  }
}
