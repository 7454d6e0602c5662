import CogBase

/// Values that are NaN or infinite in bytes of floating-point elements.
enum NonFinite {
  /// How many there are, and the index of the first.
  static func count(in bytes: UnsafeRawBufferPointer, of type: ElementType) -> (count: Int, first: Int?) {
    switch type {
    case .float64: count(bytes, exponent: 0x7FF0_0000_0000_0000 as UInt64)
    case .float32: count(bytes, exponent: 0x7F80_0000 as UInt32)
    case .float16: count(bytes, exponent: 0x7C00 as UInt16)
    case .bfloat16: count(bytes, exponent: 0x7F80 as UInt16)
    default: (0, nil)
    }
  }

  /// A value whose exponent bits are all ones is NaN or infinite.
  private static func count<Bits: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, exponent: Bits
  ) -> (count: Int, first: Int?) {
    let width = MemoryLayout<Bits>.size
    func isNonFinite(_ index: Int) -> Bool {
      Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: index * width, as: Bits.self)) & exponent
        == exponent
    }
    let indices = 0..<bytes.count / width
    var found = 0
    for index in indices where isNonFinite(index) { found += 1 }
    return (found, found == 0 ? nil : indices.first(where: isNonFinite))
  }

  /// The error for a weight that is NaN or infinite.
  static func error(row: Int, column: Int, value: Float?) -> CogError {
    CogError(
      "a weight is NaN, infinite or beyond float32", code: .notFinite,
      subject: "row \(row), column \(column)",
      expected: "finite weights", found: value.map { "\($0)" },
      advice: "Check the download; or keep such tensors unquantized with --keep-non-finite.")
  }
}
