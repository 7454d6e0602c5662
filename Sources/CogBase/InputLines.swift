import Glibc

/// The lines of a stream such as standard input, as bytes without their line feeds.
package struct InputLines {
  private static let longestLine = 64 << 20
  private let descriptor: Int32
  private let name: String
  private let wait: (Int32) throws -> Void
  private var buffer: [UInt8] = []
  /// Where the next line begins in `buffer`, and up to where it holds no line feed.
  private var (start, searched) = (0, 0)
  private var isAtEnd = false

  /// The lines of an open file descriptor.
  ///
  /// - Parameters:
  ///   - name: stands for the file in errors.
  ///   - wait: returns when something can be read from the descriptor, or throws what ends the waiting.
  package init(descriptor: Int32, name: String, wait: @escaping (Int32) throws -> Void = { _ in }) {
    self.descriptor = descriptor
    self.name = name
    self.wait = wait
  }

  /// What `body` makes of the lines of a file.
  ///
  /// - Throws: ``CogError`` when the file cannot be opened; what `body` throws.
  package static func ofFile<Result>(
    _ path: String, _ body: (inout InputLines) throws -> Result
  ) throws -> Result {
    let descriptor = FileSystem.openForReading(path)
    guard descriptor >= 0 else { throw CogError.system("cannot open", file: path, code: errno) }
    defer { close(descriptor) }
    var lines = InputLines(descriptor: descriptor, name: path)
    return try body(&lines)
  }

  /// The next line, or nil after the last; a last line needs no line feed.
  ///
  /// - Throws: ``CogError`` when the stream cannot be read or a line has more than 64 MiB; what ends the
  ///   waiting for more.
  package mutating func next() throws -> [UInt8]? {
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { (start, searched) = (end + 1, end + 1) }
        return Array(buffer[start..<end])
      }
      searched = buffer.count
      if isAtEnd {
        defer { start = buffer.count }
        return start < buffer.count ? Array(buffer[start...]) : nil
      }
      guard buffer.count - start <= Self.longestLine else {
        throw CogError("a line is too long", file: name, expected: "at most \(Self.longestLine) bytes")
      }
      try fill()
    }
  }

  /// Reads more bytes behind those that are not used yet.
  private mutating func fill() throws {
    if start > 0 {
      buffer.removeFirst(start)
      (start, searched) = (0, searched - start)
    }
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    // Waiting for what is no descriptor would never end.
    guard descriptor >= 0 else { throw CogError.system("cannot read", file: name, code: EBADF) }
    try wait(descriptor)
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0 {
      guard errno == EINTR || errno == EAGAIN else { throw failure() }
      return
    }
    isAtEnd = count == 0
    buffer += chunk.prefix(count)
  }

  private func failure() -> CogError { .system("cannot read", file: name, code: errno) }
}
