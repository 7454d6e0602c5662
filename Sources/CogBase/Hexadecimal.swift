extension Sequence<UInt8> {
  /// Bytes as lower-case hexadecimal digits, two for each, such as a digest.
  package var hexadecimal: String {
    map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}

extension UInt32 {
  /// The number as eight lower-case hexadecimal digits, such as a checksum.
  package var hexadecimal: String {
    let digits = String(self, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
