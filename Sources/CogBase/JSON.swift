/// A JSON value as it stands in a file: the order of keys is kept, and a key that stands twice is an error.
///
/// Foundation's readers silently keep one of two equal keys, which would let the second copy of a tensor
/// win; headers and indexes of checkpoints are read with this one. Source: RFC 8259.
package indirect enum JSON: Equatable, Sendable {
  case null
  case bool(Bool)
  /// A number in the text's own spelling, so that 64-bit integers lose nothing.
  case number(String)
  case string(String)
  case array([JSON])
  case object([Member])

  /// One key of an object and its value.
  package struct Member: Equatable, Sendable {
    /// The key, with escapes resolved.
    package let key: String
    /// Its value.
    package let value: JSON
  }

  /// The value of `key`, or nil when this is not an object or has no such key.
  package subscript(key: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// The members when this is an object.
  package var members: [Member]? {
    guard case .object(let members) = self else { return nil }
    return members
  }

  /// The elements when this is an array.
  package var elements: [JSON]? {
    guard case .array(let elements) = self else { return nil }
    return elements
  }

  /// The text when this is a string.
  package var text: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  /// The value when this is true or false.
  package var boolean: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  /// The value when this is a number without fraction or exponent that fits `Int`.
  package var integer: Int? {
    guard case .number(let spelling) = self else { return nil }
    return Int(spelling)
  }

  /// The value when this is a number.
  package var double: Double? {
    guard case .number(let spelling) = self else { return nil }
    return Double(spelling)
  }

  /// What kind of value this is, for error messages.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .number(let spelling): "the number \(spelling)"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}
