package import CogBase

/// How a tensor's elements are stored: a family of encodings, and for a quantized one the size of its groups.
///
/// It describes itself, so that nothing else has to know which encodings there are; ``EncodingRegistry``
/// lists them.
package struct TensorEncoding: Hashable, Sendable {
  /// What all encodings of one name have in common.
  package let family: EncodingFamily
  /// Columns that share a scale, or nil for a plain tensor.
  package let groupSize: Int?

  /// A plain encoding, or a quantized one in groups.
  ///
  /// - Parameter groupSize: nil exactly where the family is plain. One that the family does not have is found
  ///   when a layout is asked for.
  package init(_ family: EncodingFamily, groupSize: Int? = nil) {
    self.family = family
    self.groupSize = groupSize
  }

  /// Elements of `type` one after another in row-major order.
  package static func plain(_ type: ElementType) -> TensorEncoding { TensorEncoding(.plain(type)) }

  /// Whether the weights were rounded to a few bits.
  package var isQuantized: Bool { family.codes != nil }

  /// The element type of a plain tensor, or nil for a quantized one.
  package var plainType: ElementType? { family.elementType }

  /// Bits of one element, without its share of scales and zero points.
  package var bits: Int { family.bits }

  /// What the directory of a native file calls the family, or nil where that format does not have it.
  package var directoryCode: UInt32? { family.directoryCode }

  /// A short name for tables and documents: `BF16`, `int4/64`.
  package var label: String { groupSize.map { "\(family.name)/\($0)" } ?? family.name }

  /// Bytes that a tensor of `shape` takes in this encoding.
  ///
  /// - Throws: ``CogError`` when the number does not fit 63 bits, or a quantized tensor has no elements.
  package func byteCount(of shape: Shape) throws -> Int {
    if let plainType { return try shape.byteCount(of: plainType) }
    return try PanelLayout(encoding: self, shape: shape).byteCount
  }
}

extension TensorEncoding: Codable {
  /// Encodes the ``label``.
  package func encode(to encoder: any Encoder) throws { try label.encode(to: encoder) }

  /// Decodes a ``label``. - Throws: ``CogError`` when no encoding has it.
  package init(from decoder: any Decoder) throws {
    let label = try String(from: decoder)
    guard let encoding = EncodingRegistry.encoding(label: label) else {
      throw CogError("no such encoding", found: label)
    }
    self = encoding
  }
}
