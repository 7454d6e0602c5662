/// The four kinds of Unicode scalars that Llama 3's split pattern tells apart.
package enum ScalarClass {
  /// `\p{L}`.
  case letter
  /// `\p{N}`.
  case number
  /// `\s`: the Unicode property White_Space, line ends included.
  case space
  /// `[^\s\p{L}\p{N}]`.
  case other

  /// Scalars that came into Unicode after this version count as unassigned, hence as ``other``, as they do in
  /// the regex engine of the `tokenizers` package (0.23.3, Oniguruma with Unicode 16). Without it the ids of
  /// a text would change with the version of the Swift runtime.
  package static let unicodeMajorVersion = 16

  package init(_ scalar: Unicode.Scalar) {
    self = scalar.isASCII ? Self.ascii(UInt8(scalar.value)) : Self.general(scalar.properties)
  }

  private static func ascii(_ byte: UInt8) -> ScalarClass {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): .letter
    case UInt8(ascii: "0")...UInt8(ascii: "9"): .number
    case 0x09...0x0D, 0x20: .space
    default: .other
    }
  }

  private static func general(_ properties: Unicode.Scalar.Properties) -> ScalarClass {
    if properties.isWhitespace { return .space }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      return isKnown(properties) ? .letter : .other
    case .decimalNumber, .letterNumber, .otherNumber:
      return isKnown(properties) ? .number : .other
    default: return .other
    }
  }

  private static func isKnown(_ properties: Unicode.Scalar.Properties) -> Bool {
    (properties.age?.major ?? 0) <= unicodeMajorVersion
  }
}
