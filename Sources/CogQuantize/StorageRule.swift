package import CogBase
package import CogModel

/// How a kind of tensor is to be stored: as it comes, or in a fixed encoding.
package enum StorageRule: Hashable, Sendable, CustomStringConvertible {
  /// The element type of the source, to the bit.
  case source
  /// A fixed encoding, one that the registry offers.
  case encoding(TensorEncoding)

  /// What ``init(parsing:subject:)`` takes.
  package static let allowed = "source, \(EncodingRegistry.offeredNames)"

  /// Reads a rule as the command line spells it, in any case: `source`, `bf16`, `int4`, `int8/32`.
  ///
  /// - Parameter subject: the option that it comes from, for the error.
  /// - Throws: ``CogError`` that says what is allowed.
  package init(parsing text: String, subject: String) throws {
    if text.lowercased() == Self.source.description {
      self = .source
    } else if let encoding = EncodingRegistry.offeredEncoding(text) {
      self = .encoding(encoding)
    } else {
      throw CogError("no such encoding", subject: subject, expected: Self.allowed, found: "\"\(text)\"")
    }
  }

  /// The rule as ``init(parsing:subject:)`` reads it and the file's metadata records it.
  package var description: String {
    switch self {
    case .source: "source"
    case .encoding(let encoding): encoding.label
    }
  }

  /// Whether the rule rounds weights to a few bits.
  package var isQuantized: Bool {
    if case .encoding(let encoding) = self { encoding.isQuantized } else { false }
  }

  /// The encoding for a tensor that comes in `sourceType`.
  package func encoding(sourceType: ElementType) -> TensorEncoding {
    switch self {
    case .source: .plain(sourceType)
    case .encoding(let encoding): encoding
    }
  }
}
