import CogBase

/// Lists of videos: a path on each line, comma-separated values with a header, or JSON lines. The content
/// tells which.
enum VideoTable {
  private static let looked = 4096
  /// The most videos of a list, and the most bytes of a name; no path is as long.
  static let mostNames = 1_000_000
  private static let longestName = 65_536

  /// The videos that a file lists, in order, as it writes them; nil where it is no text, such as a video.
  ///
  /// - Parameter column: the column or the key; nil takes the first known one.
  /// - Throws: `CogError` that names the line when one has no video, no column is known, or there are more
  ///   than ``mostNames``.
  static func names(in bytes: UnsafeRawBufferPointer, column: String?) throws -> [String]? {
    guard isText(bytes) else { return nil }
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let content = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(bytes.starts(with: mark) ? mark.count : 0))
    var names = Names()
    if content.first(where: { !isSpace($0) }) == UInt8(ascii: "{") {
      try addJSONLines(content, column, to: &names)
    } else if try !addTable(content, column, to: &names) {
      var lines = FilledLines(content)
      while let line = lines.next() { try names.add(String(pathBytes: line.bytes)) }
    }
    guard !names.all.isEmpty else { throw CogError("the list has no videos", expected: "one on each line") }
    return names.all
  }

  /// Names of videos, no more than are believed.
  private struct Names {
    var all: [String] = []

    mutating func add(_ name: String) throws {
      guard all.count < mostNames else {
        throw CogError("the list is too long", expected: "at most \(mostNames) videos")
      }
      guard name.utf8.count <= longestName else {
        throw CogError("the name of a video is too long", expected: "at most \(longestName) bytes")
      }
      all.append(name)
    }
  }

  /// Whether the beginning has no byte that only other files have.
  private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let start = bytes.prefix(looked)
    return !start.isEmpty && !start.starts(with: Array("YUV4MPEG2 ".utf8))
      && start.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 9 || $0 == 10 || $0 == 13 }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (9...13).contains(byte) }

  /// The lines of a text that have more than white space, which is removed at both ends.
  private struct FilledLines {
    private let bytes: UnsafeRawBufferPointer
    private var (place, number) = (0, 1)

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next line with its number; nil after the last.
    mutating func next() -> (number: Int, bytes: UnsafeRawBufferPointer)? {
      while place < bytes.count, isSpace(bytes[place]) {
        if bytes[place] == UInt8(ascii: "\n") { number += 1 }
        place += 1
      }
      guard place < bytes.count else { return nil }
      let start = place
      while place < bytes.count, bytes[place] != UInt8(ascii: "\n") { place += 1 }
      var end = place
      while isSpace(bytes[end - 1]) { end -= 1 }
      return (number, UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
    }
  }

  // MARK: JSON lines

  private static func addJSONLines(
    _ bytes: UnsafeRawBufferPointer, _ column: String?, to names: inout Names
  ) throws {
    let keys = column.map { [$0] } ?? VideoList.columns
    var lines = FilledLines(bytes)
    while let line = lines.next() {
      let value: JSON
      do { value = try JSON.parse(line.bytes, what: "line") } catch let error as CogError {
        throw error.concerning("line \(line.number)")
      }
      guard let name = keys.lazy.compactMap({ value[$0]?.text }).first, !name.isEmpty else {
        throw missing(subject: "line \(line.number)", keys, found: value.members?.map(\.key))
      }
      try names.add(name)
    }
  }

  private static func missing(subject: String, _ keys: [String], found: [String]?) -> CogError {
    CogError(
      "there is no video", subject: subject, expected: "one of " + keys.joined(separator: ", "),
      found: found?.prefix(12).joined(separator: ", "), advice: "Say with --column which has the videos.")
  }

  // MARK: Comma-separated values

  /// Adds the column of a table; false where the first line names no such column.
  private static func addTable(
    _ bytes: UnsafeRawBufferPointer, _ column: String?, to names: inout Names
  ) throws -> Bool {
    var rows = CSVRows(bytes)
    guard let header = try rows.next() else { return false }
    let titles = header.cells.map { $0.trimmingWhitespace() }
    let keys = column.map { [$0] } ?? VideoList.columns
    guard let place = keys.lazy.compactMap({ titles.firstIndex(of: $0) }).first else {
      guard column != nil else { return false }
      throw missing(subject: "line 1", keys, found: titles)
    }
    while let row = try rows.next() {
      guard row.cells.indices.contains(place), !row.cells[place].isEmpty else {
        throw CogError(
          "the row has no video", subject: "line \(row.line), \(titles[place])",
          expected: "\(titles.count) cells", found: "\(row.cells.count)")
      }
      try names.add(row.cells[place])
    }
    return true
  }
}

/// The rows of comma-separated values: cells in quotes may have commas, line ends and doubled quotes
/// (RFC 4180).
private struct CSVRows {
  private let bytes: UnsafeRawBufferPointer
  private var place = 0
  private var line = 1
  private static let mostCells = 65_536
  private static let longestCell = 1 << 20

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Goes on behind blank lines; the first line is a header, blank or not.
  private mutating func skipBlankLines() {
    while place > 0, place < bytes.count {
      let isPair = bytes[place] == UInt8(ascii: "\r") && place + 1 < bytes.count
      let end = isPair ? place + 1 : place
      guard bytes[end] == UInt8(ascii: "\n") else { return }
      place = end + 1
      line += 1
    }
  }

  /// The next row with the line that it begins on; nil after the last.
  ///
  /// - Throws: `CogError` when a cell's quotes do not end, or cells are too many or too long.
  mutating func next() throws -> (line: Int, cells: [String])? {
    skipBlankLines()
    guard place < bytes.count else { return nil }
    let first = line
    var (cells, cell, isQuoted) = ([String](), [UInt8](), false)
    func extend(by byte: UInt8) throws {
      guard cell.count < Self.longestCell else {
        throw CogError(
          "the text is too long", subject: "line \(first)", expected: "at most \(Self.longestCell) bytes")
      }
      cell.append(byte)
    }
    func end() throws {
      guard cells.count < Self.mostCells else {
        throw CogError(
          "too many columns", subject: "line \(first)", expected: "at most \(Self.mostCells)")
      }
      cells.append(cell.withUnsafeBytes { String(pathBytes: $0) })
    }
    while place < bytes.count {
      let byte = bytes[place]
      place += 1
      if byte == UInt8(ascii: "\n") { line += 1 }
      if isQuoted {
        guard byte == UInt8(ascii: "\"") else {
          try extend(by: byte)
          continue
        }
        isQuoted = place < bytes.count && bytes[place] == byte
        if isQuoted {
          try extend(by: byte)
          place += 1
        }
        // A quote that stands alone ends the quoted part, and a doubled one goes on with it.
        continue
      }
      switch byte {
      case UInt8(ascii: "\"") where cell.isEmpty: isQuoted = true
      case UInt8(ascii: ","):
        try end()
        cell.removeAll(keepingCapacity: true)
      case UInt8(ascii: "\r") where place < bytes.count && bytes[place] == UInt8(ascii: "\n"): continue
      case UInt8(ascii: "\n"):
        try end()
        return (first, cells)
      default: try extend(by: byte)
      }
    }
    guard !isQuoted else { throw CogError("the quotes do not end", code: .damaged, subject: "line \(first)") }
    try end()
    return (first, cells)
  }
}
