package import CogBase
package import CogModel

/// The plain reading of the formats, one element at a time: the twin of the kernels.
extension TensorStore {
  /// The values of some rows of a tensor as float32, whatever its encoding (`Formats/int4.md`, "Values").
  ///
  /// - Parameter rows: rows of the tensor seen as the matrix `[first dimension, product of the others]`.
  /// - Returns: the elements in row-major order; F64 is rounded to the nearest float32.
  /// - Throws: ``CogError`` when there are no such rows.
  package func values(of tensor: TensorEntry, rows: Range<Int>) throws -> [Float] {
    guard rows.lowerBound >= 0, rows.upperBound <= tensor.shape.rows else {
      throw CogError(
        "there are no such rows", file: path, subject: tensor.name,
        expected: "rows in 0..<\(tensor.shape.rows)", found: "\(rows)")
    }
    return try bytes(of: tensor).withUnsafeBytes { bytes in
      guard let type = tensor.encoding.plainType else {
        return try PanelLayout(encoding: tensor.encoding, shape: tensor.shape).values(of: bytes, rows: rows)
      }
      let columns = tensor.shape.elementCount == 0 ? 0 : tensor.shape.columns
      return try (rows.lowerBound * columns..<rows.upperBound * columns).map { index in
        guard let value = Self.plainValue(bytes, at: index, type) else {
          throw CogError("no values can be read", subject: tensor.name, found: type.rawValue)
        }
        return value
      }
    }
  }

  /// All values of a tensor as float32. - Throws: as ``values(of:rows:)``.
  package func values(of tensor: TensorEntry) throws -> [Float] {
    try values(of: tensor, rows: 0..<tensor.shape.rows)
  }

  /// A tensor with a copy of its bytes. - Throws: ``CogError`` when there is no such tensor or it is damaged.
  package func loaded(_ name: String) throws -> LoadedTensor {
    let (entry, bytes) = try tensor(named: name)
    return LoadedTensor(
      elementType: entry.encoding.plainType, shape: entry.shape, bytes: bytes.withUnsafeBytes { Array($0) })
  }

  private static func plainValue(
    _ bytes: UnsafeRawBufferPointer, at index: Int, _ type: ElementType
  ) -> Float? {
    func bits<Value: FixedWidthInteger>(_: Value.Type) -> Value {
      Value(
        littleEndian: bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Value>.size, as: Value.self))
    }
    return switch type {
    case .float64: Float(Double(bitPattern: bits(UInt64.self)))
    case .float32: Float(bitPattern: bits(UInt32.self))
    case .float16: Float(Float16(bitPattern: bits(UInt16.self)))
    case .bfloat16: Float(bitPattern: UInt32(bits(UInt16.self)) << 16)
    default: nil
    }
  }
}

/// A tensor in memory.
package struct LoadedTensor: Equatable, Sendable {
  /// The type of its elements; nil for a quantized one.
  package let elementType: ElementType?
  /// Its shape.
  package let shape: Shape
  /// Its bytes as they are stored.
  package let bytes: [UInt8]
}

extension PanelLayout {
  /// The values of rows of a quantized tensor, row-major without padding: `scale * (code - zero)`.
  ///
  /// - Parameters:
  ///   - bytes: the whole tensor, ``byteCount`` bytes.
  ///   - rows: rows below ``rows``.
  package func values(of bytes: UnsafeRawBufferPointer, rows: Range<Int>) -> [Float] {
    rows.flatMap { row in
      (0..<columns).map { column in
        let group = column / groupSize
        let scaleBits = bytes.loadUnaligned(
          fromByteOffset: scaleOffset(row: row, group: group), as: UInt16.self)
        let scale = Float(Float16(bitPattern: UInt16(littleEndian: scaleBits)))
        let (offset, shift) = weightOffset(row: row, column: column)
        let code = codes.code(in: bytes[offset], above: shift)
        let zero = codes.hasZeroPoints ? Int(bytes[zeroOffset(row: row, group: group)]) : 0
        return scale * Float(code - zero)
      }
    }
  }
}
