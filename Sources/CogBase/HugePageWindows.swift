/// Makes the system keep a file's pages in huge ones while it is written piece by piece.
///
/// Linux keeps what is written in pieces of memory as large as the writes: file systems with large folios
/// (ext4, XFS) take a huge page for a write that fills one, and map it as one. Smaller writes leave smaller
/// pages, from which a processor reads a fifth slower: it looks up more addresses, and fetches ahead up to
/// the end of a page only. So before the first write that fills a part of a window only, all of the window is
/// written as zeros. Elsewhere that does no harm.
struct HugePageWindows {
  /// Bytes of a huge page of x86-64, and of AArch64 with pages of 4 KB.
  static let byteCount = 1 << 21
  /// What a window begins with.
  static let zeros = [UInt8](repeating: 0, count: byteCount)

  /// The windows that have been written to.
  private var begun: Set<Int> = []

  /// The offsets of the windows that are to be filled with zeros before `range` is written.
  mutating func begin(_ range: Range<Int>) -> [Int] {
    guard !range.isEmpty else { return [] }
    let windows = range.lowerBound / Self.byteCount...(range.upperBound - 1) / Self.byteCount
    let new = windows.filter { begun.insert($0).inserted }.map { $0 * Self.byteCount }
    return new.filter { $0 < range.lowerBound || $0 + Self.byteCount > range.upperBound }
  }
}
