package import CogBase
package import CogNative

/// How a kind of tensor is to be stored: as it comes, or in a fixed encoding.
package enum StorageRule: Hashable, Sendable, CustomStringConvertible {
  /// The element type of the source, to the bit.
  case source
  /// A fixed encoding: BF16, F16, F32, int4 or int8.
  case encoding(TensorEncoding)

  /// The group size where none is said.
  package static let defaultGroupSize = 64
  /// What ``init(parsing:subject:)`` takes.
  package static let allowed =
    "source, BF16, F16, F32, int4 or int8 (groups of 64), or int4/32, int4/64, int4/128, "
    + "int8/32, int8/64, int8/128"

  /// Reads a rule as the command line spells it, in any case: `source`, `bf16`, `int4`, `int8/32`.
  ///
  /// - Parameter subject: the option that it comes from, for the error.
  /// - Throws: ``CogError`` that says what is allowed.
  package init(parsing text: String, subject: String) throws {
    let parts = text.lowercased().split(separator: "/", omittingEmptySubsequences: false)
    let groupSize = parts.count == 1 ? Self.defaultGroupSize : Int(parts[1]) ?? 0
    switch (parts.first, parts.count) {
    case ("source", 1): self = .source
    case ("bf16", 1): self = .encoding(.plain(.bfloat16))
    case ("f16", 1): self = .encoding(.plain(.float16))
    case ("f32", 1): self = .encoding(.plain(.float32))
    case ("int4", 1...2) where TensorEncoding.groupSizes.contains(groupSize):
      self = .encoding(.int4(groupSize: groupSize))
    case ("int8", 1...2) where TensorEncoding.groupSizes.contains(groupSize):
      self = .encoding(.int8(groupSize: groupSize))
    default:
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
