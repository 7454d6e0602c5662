import Glibc

/// Records that survive a crash: one on each line, with a checksum in front (`Formats/journal.md`).
///
/// A last line that was not written whole is dropped. The journal is locked while it is open, so that two
/// processes never work on the same thing.
package final class Journal: @unchecked Sendable {
  /// The path of the file.
  package let path: String
  /// The texts of the records that were there when the journal was opened.
  package let records: [String]
  /// Whether there was a file of the name, if only an empty one.
  let wasThere: Bool
  /// Whether it had a record: what lies at the place of the part is an earlier run's then.
  let isOwn: Bool

  private let descriptor: Int32
  /// Where the next record goes.
  private var end: Int

  /// A journal above this size is not believed: one of the published model has half a megabyte.
  private static let largest = 1 << 24

  /// Opens and locks a journal, or makes an empty one. What is there stays until ``clear()`` or
  /// ``append(_:)``.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - output: the path of what the journal is about, for errors.
  ///   - isContinued: whether its records are read.
  /// - Throws: ``CogError`` when another process holds it (``CogError/Code/busy``), a record before the last
  ///   one is damaged or the file is no journal (``CogError/Code/damaged``), or it cannot be created.
  init(path: String, output: String, isContinued: Bool) throws {
    self.path = path
    (descriptor, wasThere) = try Self.openLocked(path, output: output)
    do {
      let bytes = try Self.content(descriptor, path)
      isOwn = !bytes.isEmpty
      (records, end) = isContinued ? try naming(file: path) { try Self.parse(bytes) } : ([], 0)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    // What was torn goes, so that the next record begins a line.
    if end > 0, ftruncate(descriptor, off_t(end)) != 0 {
      throw CogError.system("cannot write", file: path, code: errno)
    }
  }

  deinit { Glibc.close(descriptor) }

  /// Appends records and makes them durable, all in one write.
  ///
  /// - Parameter texts: without line ends.
  /// - Throws: ``CogError`` when the disk is full or fails.
  package func append(_ texts: [String]) throws {
    let lines = Array(texts.map { Self.line($0) }.joined().utf8)
    let code = lines.withUnsafeBytes { FileSystem.writeAll($0, to: descriptor, at: end) }
    guard code == 0 else { throw CogError.system("cannot write", file: path, code: code) }
    end += lines.count
    guard fdatasync(descriptor) == 0 else { throw CogError.system("cannot write", file: path, code: errno) }
  }

  /// Lets other processes have the journal, whoever still refers to this object.
  func unlock() { _ = flock(descriptor, LOCK_UN) }

  /// Removes all records.
  ///
  /// - Throws: ``CogError`` when the disk fails.
  func clear() throws {
    guard ftruncate(descriptor, 0) == 0 else {
      throw CogError.system("cannot write", file: path, code: errno)
    }
    end = 0
  }

  /// Opens the file that has the name, and locks it: one that another process removed before the lock was had
  /// is of no use.
  private static func openLocked(_ path: String, output: String) throws -> (Int32, wasThere: Bool) {
    while true {
      let wasThere = FileSystem.isThere(path)
      let descriptor = FileSystem.open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK)
      guard descriptor >= 0 else {
        throw CogError.system("cannot create the file", file: output, code: errno)
      }
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        let code = errno
        Glibc.close(descriptor)
        guard code == EWOULDBLOCK else { throw CogError.system("cannot lock", file: path, code: code) }
        throw CogError(
          "another process is writing this", code: .busy, file: output,
          advice: "Wait until it is done, or choose another name.")
      }
      var locked = stat()
      if fstat(descriptor, &locked) == 0, FileSystem.status(of: path)?.isSame(as: locked) == true {
        return (descriptor, wasThere)
      }
      Glibc.close(descriptor)
    }
  }

  /// Whether a file is a journal with a record.
  static func isOwn(at path: String) -> Bool {
    let descriptor = FileSystem.openForReading(path)
    guard descriptor >= 0 else { return false }
    defer { Glibc.close(descriptor) }
    return (try? content(descriptor, path))?.isEmpty == false
  }

  /// The bytes of a journal; none of an empty one.
  ///
  /// - Throws: ``CogError`` for a file that happens to have the name: it is not emptied. A journal has a line
  ///   that fits its checksum.
  private static func content(_ descriptor: Int32, _ path: String) throws -> [UInt8] {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.isRegular, status.st_size <= largest else {
      throw isNoJournal(path)
    }
    let bytes = try read(descriptor, count: Int(status.st_size), path)
    guard bytes.isEmpty || bytes.split(separator: UInt8(ascii: "\n")).contains(where: { text(of: $0) != nil })
    else { throw isNoJournal(path) }
    return bytes
  }

  private static func isNoJournal(_ path: String) -> CogError {
    CogError(
      "the file is no journal of unfinished work", code: .damaged, file: path, expected: "lines of records",
      advice: "Remove it, or choose another name for the output.")
  }

  private static func read(_ descriptor: Int32, count: Int, _ path: String) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done, off_t(done))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw CogError.system("cannot read", file: path, code: errno) }
      done += count
    }
    return bytes
  }

  /// What to do about a journal that is of no use.
  package static let startAnew = "Start anew without --resume."

  // MARK: Lines

  /// `CHECKSUM TEXT`, where the checksum is the CRC-32 of the text in eight hexadecimal digits.
  static func line(_ text: String) -> String { "\(Checksum.crc32(Array(text.utf8)).hexadecimal) \(text)\n" }

  /// The whole records of a journal, and where the last one ends.
  ///
  /// - Throws: ``CogError`` when whole records follow a damaged one: that is no torn end.
  static func parse(_ bytes: [UInt8]) throws -> (records: [String], end: Int) {
    var records: [String] = []
    var end = 0
    var start = 0
    var damaged: Int?
    var number = 0
    // What follows the last line end is torn, or nothing.
    while let lineEnd = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      let line = bytes[start..<lineEnd]
      start = lineEnd + 1
      number += 1
      guard let text = text(of: line) else {
        damaged = damaged ?? number
        continue
      }
      if let damaged {
        throw CogError(
          "the journal is damaged", code: .damaged, subject: "line \(damaged)",
          expected: "a record that fits its checksum", advice: startAnew)
      }
      records.append(text)
      end = start
    }
    return (records, end)
  }

  /// Hexadecimal digits of a checksum.
  private static let digits = 8

  private static func text(of line: ArraySlice<UInt8>) -> String? {
    guard line.count > digits, line[line.startIndex + digits] == UInt8(ascii: " "),
      let text = String(validating: line.dropFirst(digits + 1), as: UTF8.self),
      Self.line(text).utf8.dropLast().elementsEqual(line)
    else { return nil }
    return text
  }
}
