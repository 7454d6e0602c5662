import CZlib

/// CRC-32 (ISO-HDLC, as in zlib, zip and PNG) of bytes of any length.
package enum Checksum {
  /// The checksum of `bytes`, continuing from the checksum of what came before.
  package static func crc32(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
    var value = UInt(previous)
    var offset = 0
    while offset < bytes.count {
      let count = min(bytes.count - offset, 1 << 30)
      value = CZlib.crc32(
        value, bytes.baseAddress?.advanced(by: offset).assumingMemoryBound(to: UInt8.self), UInt32(count))
      offset += count
    }
    return UInt32(truncatingIfNeeded: value)
  }

  /// The checksum of an array of bytes.
  package static func crc32(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { crc32($0) } }

  /// The checksum of bytes from those of their two parts.
  ///
  /// - Parameter secondCount: bytes of the second part.
  package static func joined(_ first: UInt32, _ second: UInt32, secondCount: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: crc32_combine(UInt(first), UInt(second), secondCount))
  }
}
