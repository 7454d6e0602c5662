/// The runs of zero bytes in a tensor that are at least ``shortest`` bytes long, and those of any length at
/// its two ends.
///
/// They are found in pieces, which threads share, and joined in their order. One word in every 2 KiB is
/// looked at, which costs next to nothing beside the work on the bytes; only a word that is zero leads to
/// more.
package struct ZeroRuns: Equatable, Sendable {
  /// The fewest zeros that make a run: a page, of which downloads leave whole ones.
  package static let shortest = 4096
  /// Every run has a word at a multiple of this.
  private static let step = shortest / 2

  /// Bytes that were looked at.
  package private(set) var byteCount = 0
  /// Zeros that the bytes begin and end with; all of them where all are zeros.
  private var atStart = 0
  private var atEnd = 0
  /// The runs that reach neither end.
  private var inner: [Range<Int>] = []

  /// No bytes.
  package init() {}

  /// The runs of one piece.
  package init(of bytes: UnsafeRawBufferPointer) {
    byteCount = bytes.count
    atStart = Self.zeros(in: bytes, from: 0)
    guard atStart < byteCount else {
      atEnd = byteCount
      return
    }
    while bytes[byteCount - 1 - atEnd] == 0 { atEnd += 1 }
    let limit = byteCount - atEnd
    var place = atStart / Self.step * Self.step + Self.step
    while place + 8 <= limit {
      guard bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) == 0 else {
        place += Self.step
        continue
      }
      var start = place
      while bytes[start - 1] == 0 { start -= 1 }
      let end = place + Self.zeros(in: bytes, from: place)
      if end - start >= Self.shortest { inner.append(start..<end) }
      place = end / Self.step * Self.step + Self.step
    }
  }

  /// Adds the runs of the bytes that follow.
  package mutating func add(_ next: ZeroRuns) {
    guard next.byteCount > 0 else { return }
    let (start, wasAllZeros) = (byteCount - atEnd, isAllZeros)
    let joint = start..<byteCount + next.atStart
    if !wasAllZeros, !next.isAllZeros, joint.count >= Self.shortest { inner.append(joint) }
    inner += next.inner.map { byteCount + $0.lowerBound..<byteCount + $0.upperBound }
    if wasAllZeros { atStart = byteCount + next.atStart }
    atEnd = next.isAllZeros ? atEnd + next.byteCount : next.atEnd
    byteCount += next.byteCount
  }

  /// Whether there is nothing but zeros; true where there are no bytes.
  package var isAllZeros: Bool { atStart == byteCount }

  /// All runs in order, as ranges of the bytes.
  package var runs: [Range<Int>] {
    if isAllZeros { return byteCount >= Self.shortest ? [0..<byteCount] : [] }
    var runs = inner
    if atStart >= Self.shortest { runs.insert(0..<atStart, at: 0) }
    if atEnd >= Self.shortest { runs.append(byteCount - atEnd..<byteCount) }
    return runs
  }

  /// How many zeros there are from a place on, up to the next other byte.
  private static func zeros(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    typealias Lanes = SIMD8<UInt64>
    var end = start
    while end + MemoryLayout<Lanes>.size <= bytes.count,
      bytes.loadUnaligned(fromByteOffset: end, as: Lanes.self) == Lanes()
    {
      end += MemoryLayout<Lanes>.size
    }
    while end < bytes.count, bytes[end] == 0 { end += 1 }
    return end - start
  }
}
