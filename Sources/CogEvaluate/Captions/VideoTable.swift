import CogBase

/// Lists of videos: a path on each line, comma-separated values with a header, or JSON lines. The content
/// tells which.
enum VideoTable {
  private static let looked = 4096

  /// The videos that a file lists, in order, as it writes them; nil where it is no text, such as a video.
  ///
  /// - Parameter column: the column or the key; nil takes the first known one.
  /// - Throws: `CogError` that names the line when one has no video, or no column is known.
  static func names(in bytes: UnsafeRawBufferPointer, column: String?) throws -> [String]? {
    guard isText(bytes) else { return nil }
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let content = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(bytes.starts(with: mark) ? mark.count : 0))
    let names: [String]
    if content.first(where: { !isSpace($0) }) == UInt8(ascii: "{") {
      names = try jsonLines(content, column)
    } else if let table = try table(content, column) {
      names = table
    } else {
      names = lines(content).map { text(trimmed($0.bytes)) }.filter { !$0.isEmpty }
    }
    guard !names.isEmpty else { throw CogError("the list has no videos", expected: "one on each line") }
    return names
  }

  /// Whether the beginning has no byte that only other files have.
  private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let start = bytes.prefix(looked)
    return !start.isEmpty && !start.starts(with: Array("YUV4MPEG2 ".utf8))
      && start.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 9 || $0 == 10 || $0 == 13 }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (9...13).contains(byte) }

  private static func trimmed(_ line: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
    var line = line.drop(while: isSpace)
    while let last = line.last, isSpace(last) { line = line.dropLast() }
    return line
  }

  private static func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
    String(pathBytes: UnsafeRawBufferPointer(rebasing: bytes))
  }

  private typealias Line = (number: Int, bytes: Slice<UnsafeRawBufferPointer>)

  private static func lines(_ bytes: UnsafeRawBufferPointer) -> [Line] {
    bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated().map {
      (number: $0.offset + 1, bytes: $0.element)
    }
  }

  // MARK: JSON lines

  private static func jsonLines(_ bytes: UnsafeRawBufferPointer, _ column: String?) throws -> [String] {
    var names: [String] = []
    for (number, line) in lines(bytes) where !trimmed(line).isEmpty {
      let value: JSON
      do { value = try JSON.parse(UnsafeRawBufferPointer(rebasing: line), what: "line") } catch let error
        as CogError
      {
        throw error.concerning("line \(number)")
      }
      let keys = column.map { [$0] } ?? VideoList.columns
      guard let name = keys.lazy.compactMap({ value[$0]?.text }).first, !name.isEmpty else {
        throw missing(subject: "line \(number)", keys, found: value.members?.map(\.key))
      }
      names.append(name)
    }
    return names
  }

  private static func missing(subject: String, _ keys: [String], found: [String]?) -> CogError {
    CogError(
      "there is no video", subject: subject, expected: "one of " + keys.joined(separator: ", "),
      found: found?.prefix(12).joined(separator: ", "), advice: "Say with --column which has the videos.")
  }

  // MARK: Comma-separated values

  /// The column of a table; nil where the first line names no such column.
  private static func table(_ bytes: UnsafeRawBufferPointer, _ column: String?) throws -> [String]? {
    var rows = CSVRows(bytes)
    guard let header = try rows.next() else { return nil }
    let titles = header.cells.map { $0.trimmingWhitespace() }
    let keys = column.map { [$0] } ?? VideoList.columns
    guard let place = keys.lazy.compactMap({ titles.firstIndex(of: $0) }).first else {
      guard column != nil else { return nil }
      throw missing(subject: "line 1", keys, found: titles)
    }
    var names: [String] = []
    while let row = try rows.next() {
      // A blank line.
      if row.cells == [""] { continue }
      guard row.cells.indices.contains(place), !row.cells[place].isEmpty else {
        throw CogError(
          "the row has no video", subject: "line \(row.line), \(titles[place])",
          expected: "\(titles.count) cells", found: "\(row.cells.count)")
      }
      names.append(row.cells[place])
    }
    return names
  }
}

/// The rows of comma-separated values: cells in quotes may have commas, line ends and doubled quotes
/// (RFC 4180).
private struct CSVRows {
  private let bytes: UnsafeRawBufferPointer
  private var place = 0
  private var line = 1

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The next row with the line that it begins on; nil after the last.
  ///
  /// - Throws: `CogError` when a cell's quotes do not end.
  mutating func next() throws -> (line: Int, cells: [String])? {
    guard place < bytes.count else { return nil }
    let first = line
    var (cells, cell, isQuoted) = ([String](), [UInt8](), false)
    func end() { cells.append(cell.withUnsafeBytes { String(pathBytes: $0) }) }
    while place < bytes.count {
      let byte = bytes[place]
      place += 1
      if byte == UInt8(ascii: "\n") { line += 1 }
      if isQuoted {
        guard byte == UInt8(ascii: "\"") else {
          cell.append(byte)
          continue
        }
        isQuoted = place < bytes.count && bytes[place] == byte
        if isQuoted {
          cell.append(byte)
          place += 1
        }
        // A quote that stands alone ends the quoted part, and a doubled one goes on with it.
        continue
      }
      switch byte {
      case UInt8(ascii: "\"") where cell.isEmpty: isQuoted = true
      case UInt8(ascii: ","):
        end()
        cell = []
      case UInt8(ascii: "\r") where place < bytes.count && bytes[place] == UInt8(ascii: "\n"): continue
      case UInt8(ascii: "\n"):
        end()
        return (first, cells)
      default: cell.append(byte)
      }
    }
    guard !isQuoted else { throw CogError("the quotes do not end", code: .damaged, subject: "line \(first)") }
    end()
    return (first, cells)
  }
}
