package import CogBase

/// Encodings of one name: a plain element type, or a quantized form with the group sizes that it has.
///
/// Families are told apart by their names; ``EncodingRegistry/families`` has all of them.
package struct EncodingFamily: Sendable {
  /// `BF16`, `int4`: as documents and the command line spell it.
  package let name: String
  /// What the directory of a native file calls it (`Formats/native.md`, "Encodings"), or nil where that
  /// format does not have it.
  package let directoryCode: UInt32?
  /// The elements of a plain family, or nil for a quantized one.
  package let elementType: ElementType?
  /// The codes of a quantized family, or nil for a plain one.
  package let codes: QuantizedCodes?
  /// Columns that may share a scale, ascending; empty for a plain family.
  package let groupSizes: [Int]
  /// The group size where none is said, or nil for a plain family.
  package let defaultGroupSize: Int?
  /// Whether a recipe may ask for it.
  package let isOffered: Bool

  /// Bits of one element, without its share of scales and zero points.
  package var bits: Int { codes?.bits ?? elementType?.bitWidth ?? 0 }

  /// A quantized family.
  ///
  /// - Parameters:
  ///   - codes: what stands for a weight.
  ///   - groupSizes: multiples of 8 columns.
  ///   - defaultGroupSize: one of them.
  package init(
    name: String, directoryCode: UInt32, codes: QuantizedCodes, groupSizes: [Int], defaultGroupSize: Int
  ) {
    self.name = name
    self.directoryCode = directoryCode
    self.codes = codes
    self.groupSizes = groupSizes
    self.defaultGroupSize = defaultGroupSize
    elementType = nil
    isOffered = true
  }

  /// The family of a plain element type. Native files have the floating-point types that weights come in.
  package static func plain(_ type: ElementType) -> EncodingFamily { EncodingFamily(plain: type) }

  private init(plain type: ElementType) {
    name = type.rawValue
    elementType = type
    (directoryCode, isOffered) =
      switch type {
      case .float32: (1, true)
      case .float16: (2, true)
      case .bfloat16: (3, true)
      case .float64: (4, false)
      default: (nil, false)
      }
    (codes, groupSizes, defaultGroupSize) = (nil, [], nil)
  }
}

extension EncodingFamily: Hashable {
  package static func == (a: EncodingFamily, b: EncodingFamily) -> Bool { a.name == b.name }

  package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// The small integers that stand for the weights of a quantized tensor.
///
/// A weight is `scale * (code - zero)`, where each group of a row has an F16 scale and, in families that have
/// them, a zero point of 8 bits; elsewhere the zero point is 0. Both products are exact in float32.
package struct QuantizedCodes: Equatable, Sendable {
  /// Bits of a code: 4 or 8.
  package let bits: Int
  /// The codes that a file may have. Negative ones are stored in two's complement.
  package let range: ClosedRange<Int>
  /// Whether groups have zero points.
  package let hasZeroPoints: Bool

  /// Codes of `bits` bits.
  package init(bits: Int, range: ClosedRange<Int>, hasZeroPoints: Bool) {
    (self.bits, self.range, self.hasZeroPoints) = (bits, range, hasZeroPoints)
  }

  /// The code in a byte, of which it takes ``bits`` bits above the lowest `shift` ones.
  package func code(in byte: UInt8, above shift: Int) -> Int {
    let pattern = Int(byte) >> shift & (1 << bits - 1)
    return range.lowerBound < 0 && pattern >> (bits - 1) == 1 ? pattern - 1 << bits : pattern
  }
}
