/// A path is bytes, and a Swift text is Unicode. A byte of a path that is no UTF-8 stands in its text as two
/// noncharacters, which no text has: U+FDD8 to U+FDDF for its upper half, U+FDE0 to U+FDEF for its lower. So
/// every path has one text, and every text is one path.
///
/// ``FileSystem`` turns texts into bytes again; people and programs see ``Swift/String/shown``.
extension String {
  private static let upper: ClosedRange<UInt32> = 0xFDD8...0xFDDF
  private static let lower: ClosedRange<UInt32> = 0xFDE0...0xFDEF

  /// The text that stands for a path.
  ///
  /// - Parameter pathBytes: the bytes without the zero at their end.
  package init(pathBytes bytes: some Collection<UInt8>) {
    let bytes = Array(bytes)
    if let text = String(validating: bytes, as: UTF8.self), !text.unicodeScalars.contains(where: Self.isUpper)
    {
      self = text
      return
    }
    var scalars = String.UnicodeScalarView()
    var rest = bytes[...]
    while let byte = rest.first {
      let count = Self.length(ofSequenceFrom: byte)
      if let scalar = String(validating: rest.prefix(count), as: UTF8.self)?.unicodeScalars.first,
        !Self.isUpper(scalar)
      {
        scalars.append(scalar)
        rest = rest.dropFirst(count)
      } else {
        for value in [0xFDD0 + UInt32(byte >> 4), 0xFDE0 + UInt32(byte & 15)] {
          if let scalar = Unicode.Scalar(value) { scalars.append(scalar) }
        }
        rest = rest.dropFirst()
      }
    }
    self = String(scalars)
  }

  /// The bytes of the path that the text stands for.
  package var pathBytes: [UInt8] {
    guard isEscaped else { return Array(utf8) }
    var bytes: [UInt8] = []
    forEachPart { scalar in
      bytes += Array(String(scalar).utf8)
    } byte: {
      bytes.append($0)
    }
    return bytes
  }

  /// Whether bytes that are no UTF-8 stand in the text.
  package var isEscaped: Bool {
    // Both scalars begin so in UTF-8; hardly any other text does.
    guard utf8.contains(0xEF), unicodeScalars.contains(where: Self.isUpper) else { return false }
    var found = false
    forEachPart { _ in
    } byte: { _ in
      found = true
    }
    return found
  }

  /// The text for people and programs: bytes of a path that are no UTF-8 as `\xE9`.
  package var shown: String { showingBytes(as: "\\x") }

  /// The same within a string of JSON, where a backslash is written twice.
  package var shownInJSON: String { showingBytes(as: "\\\\x") }

  private func showingBytes(as mark: String) -> String {
    guard isEscaped else { return self }
    var text = ""
    forEachPart {
      text.unicodeScalars.append($0)
    } byte: {
      text += mark + String($0, radix: 16, uppercase: true)
    }
    return text
  }

  private func forEachPart(_ body: (Unicode.Scalar) -> Void, byte: (UInt8) -> Void) {
    var rest = unicodeScalars[...]
    while let first = rest.popFirst() {
      if Self.isUpper(first), let second = rest.first, Self.lower.contains(second.value) {
        rest = rest.dropFirst()
        byte(UInt8(truncatingIfNeeded: (first.value - 0xFDD0) << 4 | (second.value - 0xFDE0)))
      } else {
        body(first)
      }
    }
  }

  private static func isUpper(_ scalar: Unicode.Scalar) -> Bool { upper.contains(scalar.value) }

  /// The bytes of the sequence that a byte begins, by RFC 3629; 1 where it begins none.
  private static func length(ofSequenceFrom byte: UInt8) -> Int {
    switch byte {
    case 0xC2...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xF4: 4
    default: 1
    }
  }
}

// MARK: Parts of paths

/// By bytes: a mark that combines with a slash makes no other character of it.
extension String {
  private static let slash = UInt8(ascii: "/")

  /// The part of a path up to and with its last slash; `./` where it has none.
  package var folderOfPath: String {
    utf8.lastIndex(of: Self.slash).map { String(Substring(utf8[...$0])) } ?? "./"
  }

  /// The last name of a path, of a folder's without the slashes behind it.
  package var lastPathName: String {
    let path = Substring(utf8[..<(utf8.lastIndex { $0 != Self.slash }.map(utf8.index(after:)) ?? startIndex)])
    let start = path.utf8.lastIndex(of: Self.slash).map(path.utf8.index(after:)) ?? path.startIndex
    return String(Substring(path.utf8[start...]))
  }

  /// The path of a name in the folder that this is the path of.
  package func appendingPath(_ name: String) -> String {
    utf8.last == Self.slash ? self + name : self + "/" + name
  }

  /// The path of a name beside what this is the path of.
  package func besidePath(_ name: String) -> String {
    utf8.lastIndex(of: Self.slash).map { String(Substring(utf8[...$0])) + name } ?? name
  }

  /// Whether the path begins at the root.
  package var isAbsolutePath: Bool { utf8.first == Self.slash }
}
