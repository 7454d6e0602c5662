import CogBase

extension NativeFile {
  /// The values of some rows of a tensor as float32, whatever its encoding (`Formats/int4.md`, "Values").
  ///
  /// This is the plain reading of the format, one element at a time: right for listings, statistics and as
  /// the twin of faster code, not for running the model.
  ///
  /// - Parameter rows: rows of the tensor seen as the matrix `[first dimension, product of the others]`.
  /// - Returns: the elements in row-major order; F64 is rounded to the nearest float32.
  /// - Throws: ``CogError`` when there are no such rows.
  package func values(of tensor: NativeTensor, rows: Range<Int>) throws -> [Float] {
    guard rows.lowerBound >= 0, rows.upperBound <= tensor.shape.rows else {
      throw CogError(
        "there are no such rows", file: path, subject: tensor.name,
        expected: "rows in 0..<\(tensor.shape.rows)",
        found: "\(rows)")
    }
    let bytes = bytes(of: tensor)
    switch tensor.encoding {
    case .plain(let type):
      let columns = tensor.shape.elementCount == 0 ? 0 : tensor.shape.columns
      return try (rows.lowerBound * columns..<rows.upperBound * columns).map {
        try Self.plainValue(bytes, at: $0, type, tensor: tensor.name)
      }
    case .int4, .int8:
      return try PanelLayout(encoding: tensor.encoding, shape: tensor.shape).values(of: bytes, rows: rows)
    }
  }

  /// All values of a tensor as float32. - Throws: as ``values(of:rows:)``.
  package func values(of tensor: NativeTensor) throws -> [Float] {
    try values(of: tensor, rows: 0..<tensor.shape.rows)
  }

  private static func plainValue(
    _ bytes: UnsafeRawBufferPointer, at index: Int, _ type: ElementType, tensor: String
  ) throws -> Float {
    func bits<Value: FixedWidthInteger>(_: Value.Type) -> Value {
      Value(
        littleEndian: bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Value>.size, as: Value.self))
    }
    switch type {
    case .float64: return Float(Double(bitPattern: bits(UInt64.self)))
    case .float32: return Float(bitPattern: bits(UInt32.self))
    case .float16: return Float(Float16(bitPattern: bits(UInt16.self)))
    case .bfloat16: return Float(bitPattern: UInt32(bits(UInt16.self)) << 16)
    default: throw CogError("no values can be read", subject: tensor, found: type.rawValue)
    }
  }
}

extension PanelLayout {
  /// The values of rows of a quantized tensor, row-major without padding: `scale * (q - zero)` for int4,
  /// `scale * q` for int8; both products are exact in float32.
  ///
  /// - Parameters:
  ///   - bytes: the whole tensor, ``byteCount`` bytes.
  ///   - rows: rows below ``rows``.
  func values(of bytes: UnsafeRawBufferPointer, rows: Range<Int>) -> [Float] {
    var values: [Float] = []
    values.reserveCapacity(rows.count * columns)
    for row in rows {
      for column in 0..<columns {
        let group = column / groupSize
        let scaleBits = bytes.loadUnaligned(
          fromByteOffset: scaleOffset(row: row, group: group), as: UInt16.self)
        let scale = Float(Float16(bitPattern: UInt16(littleEndian: scaleBits)))
        let (offset, isHighHalf) = weightOffset(row: row, column: column)
        let byte = bytes[offset]
        if bits == 4 {
          let q = Int(isHighHalf ? byte >> 4 : byte & 15)
          values.append(scale * Float(q - Int(bytes[zeroOffset(row: row, group: group)])))
        } else {
          values.append(scale * Float(Int8(bitPattern: byte)))
        }
      }
    }
    return values
  }
}
