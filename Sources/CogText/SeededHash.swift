/// A fast hash whose seed is drawn anew in each process, so that no file can be made whose entries all fall
/// into one slot of a table.
///
/// Each step multiplies 64 by 64 bits and folds the two halves of the product into one.
struct SeededHash: Sendable {
  private let seed: UInt64
  private let multiplier: UInt64

  /// The hash of this process.
  static let process: SeededHash = {
    var generator = SystemRandomNumberGenerator()
    return SeededHash(seed: generator.next(), multiplier: generator.next() | 1)
  }()

  /// The hash of one number.
  @inline(__always)
  func hash(_ value: UInt64) -> Int { Int(truncatingIfNeeded: mix(value ^ seed) >> 1) }

  /// The hash of bytes.
  @inline(__always)
  func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
    var state = seed &+ UInt64(truncatingIfNeeded: bytes.count)
    var offset = 0
    while offset + 8 <= bytes.count {
      state = mix(state ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset += 8
    }
    var rest: UInt64 = 0
    while offset < bytes.count {
      rest = rest << 8 | UInt64(bytes[offset])
      offset += 1
    }
    return Int(truncatingIfNeeded: mix(state ^ rest) >> 1)
  }

  @inline(__always)
  private func mix(_ value: UInt64) -> UInt64 {
    let product = (value ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: multiplier)
    return product.high ^ product.low
  }
}
