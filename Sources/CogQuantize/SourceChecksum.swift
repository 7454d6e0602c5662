/// A checksum of a source tensor's bytes that costs next to nothing beside the work on them
/// (`Formats/journal.md`, "Checksums of sources"): it tells whether a source has changed, not who changed it.
///
/// It is taken in pieces, which threads share, and joined in their order.
struct SourceChecksum: Equatable {
  private(set) var value: UInt64 = 0

  private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15
  private typealias Lanes = SIMD8<UInt64>

  /// Adds the checksum of the next piece.
  mutating func add(_ piece: UInt64) { value = Self.mixed(value, piece) }

  /// The checksum of one piece: two sums over its 64-bit words in eight lanes, one of the words and one of
  /// those sums, so that order counts; then lengths and lanes are mixed.
  static func ofPiece(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    let width = MemoryLayout<Lanes>.size
    var (sums, sumsOfSums) = (Lanes(), Lanes())
    let whole = bytes.count / width * width
    for offset in stride(from: 0, to: whole, by: width) {
      sums &+= bytes.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
      sumsOfSums &+= sums
    }
    if whole < bytes.count {
      var rest = Lanes()
      withUnsafeMutableBytes(of: &rest) {
        $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[whole...]))
      }
      sums &+= rest
      sumsOfSums &+= sums
    }
    var value = mixed(0, UInt64(bytes.count))
    for lane in 0..<Lanes.scalarCount { value = mixed(mixed(value, sums[lane]), sumsOfSums[lane]) }
    return value
  }

  private static func mixed(_ value: UInt64, _ word: UInt64) -> UInt64 {
    let product = (value ^ word) &* factor
    return product ^ product >> 29
  }
}
