package import CogBase

/// How a tensor's elements are stored in a native file.
package enum TensorEncoding: Hashable, Sendable {
  /// Elements one after another in row-major order.
  case plain(ElementType)
  /// Unsigned 4-bit weights with a scale and a zero point for each group (`Formats/int4.md`).
  case int4(groupSize: Int)
  /// Signed 8-bit weights with a scale for each group (`Formats/int4.md`).
  case int8(groupSize: Int)

  /// The group sizes that a quantized tensor can have.
  package static let groupSizes = [32, 64, 128]

  /// Whether the weights were rounded to a few bits.
  package var isQuantized: Bool { groupSize != nil }

  /// Columns that share a scale, or nil for a plain tensor.
  package var groupSize: Int? {
    switch self {
    case .plain: nil
    case .int4(let groupSize), .int8(let groupSize): groupSize
    }
  }

  /// The element type of a plain tensor, or nil for a quantized one.
  package var plainType: ElementType? {
    if case .plain(let type) = self { type } else { nil }
  }

  /// A short name for tables: `BF16`, `int4/64`.
  package var label: String {
    switch self {
    case .plain(let type): type.rawValue
    case .int4(let groupSize): "int4/\(groupSize)"
    case .int8(let groupSize): "int8/\(groupSize)"
    }
  }

  /// Bytes that a tensor of `shape` takes in this encoding.
  ///
  /// - Throws: ``CogError`` when the number does not fit 63 bits, or a quantized tensor has no elements.
  package func byteCount(of shape: Shape) throws -> Int {
    switch self {
    case .plain(let type): try shape.byteCount(of: type)
    case .int4, .int8: try PanelLayout(encoding: self, shape: shape).byteCount
    }
  }
}
