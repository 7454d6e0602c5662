/// Whether a Matroska or WebM file is all there, told by the size that it states of its segment, which is all
/// of it behind a header. Its pictures do not tell: each stays on display until the next, however long that
/// takes.
enum MatroskaExtent {
  /// An element's header: what it is, and where its content begins and ends.
  private struct Element {
    let id: UInt64
    let start: Int
    /// Nil where it was not known when the file was written.
    let end: Int?
  }

  private static let headerID: UInt64 = 0x1A45_DFA3
  private static let segmentID: UInt64 = 0x1853_8067
  /// Elements that are looked at: a header, perhaps one that is filled with nothing, the segment.
  private static let mostElements = 8

  /// Nil where the file does not say, or is another one.
  static func isWhole(_ file: FileSource) -> Bool? {
    var offset = 0
    for number in 0..<mostElements {
      guard let element = element(at: offset, in: file), (number == 0) == (element.id == headerID) else {
        return nil
      }
      guard let end = element.end else { return nil }
      if element.id == segmentID { return end <= file.size }
      offset = end
    }
    return nil
  }

  private static func element(at offset: Int, in file: FileSource) -> Element? {
    let bytes = file.bytes(at: offset, count: 16)
    guard let id = number(bytes[...], keepsMark: true), id.length <= 4,
      let size = number(bytes.dropFirst(id.length), keepsMark: false)
    else { return nil }
    let start = offset + id.length + size.length
    let unknown = UInt64(1) << (7 * size.length) - 1
    // Eight bytes hold a number below 2 to the 56th, so that sums of a few are far from the end of `Int`.
    return Element(id: id.value, start: start, end: size.value == unknown ? nil : start + Int(size.value))
  }

  /// A number whose first byte tells by its leading zeros how many follow, with or without that mark.
  private static func number(_ bytes: ArraySlice<UInt8>, keepsMark: Bool) -> (value: UInt64, length: Int)? {
    guard let first = bytes.first, first != 0 else { return nil }
    let length = first.leadingZeroBitCount + 1
    guard bytes.count >= length else { return nil }
    let value = bytes.prefix(length).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return (keepsMark ? value : value & (UInt64(1) << (7 * length) - 1), length)
  }
}
