/// The characters that byte-level BPE spells bytes with in `tokenizer.json`.
///
/// Printable Latin-1 stands for itself; the 68 other bytes, in order, are U+0100, U+0101, ... (the space is
/// `Ġ`). Source: GPT-2's `bytes_to_unicode`.
enum ByteAlphabet {
  /// The scalar of each byte.
  static let scalars: [Unicode.Scalar] = {
    var others: UInt32 = 0x100
    return (UInt8.min...UInt8.max).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
      default:
        defer { others += 1 }
        return Unicode.Scalar(others) ?? "\u{FFFD}"
      }
    }
  }()

  /// The byte of each scalar of the alphabet, by the scalar's value; -1 outside the alphabet.
  private static let byteByScalar: [Int16] = {
    var table = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { table[Int(scalar.value)] = Int16(byte) }
    return table
  }()

  /// The bytes that `text` spells, or nil when a character of it is outside the alphabet.
  static func bytes(spelledBy text: some StringProtocol) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      guard scalar.value < UInt32(byteByScalar.count),
        let byte = UInt8(exactly: byteByScalar[Int(scalar.value)])
      else { return nil }
      bytes.append(byte)
    }
    return bytes
  }
}
