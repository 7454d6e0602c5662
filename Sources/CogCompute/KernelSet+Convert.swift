import CKernels
package import CogBase

extension CogElementType {
  /// The kernels' name of an element type, or nil for one that is not converted.
  init?(_ type: ElementType) {
    switch type {
    case .float32: self = COG_F32
    case .float64: self = COG_F64
    case .float16: self = COG_F16
    case .bfloat16: self = COG_BF16
    case .bool: self = COG_BOOL
    case .uint8: self = COG_U8
    case .int8: self = COG_I8
    case .uint16: self = COG_U16
    case .int16: self = COG_I16
    case .uint32: self = COG_U32
    case .int32: self = COG_I32
    case .uint64: self = COG_U64
    case .int64: self = COG_I64
    default: return nil
    }
  }
}

extension KernelSet {
  /// Converts elements to float32, rounding to nearest even; NaN stays NaN. The bytes may be unaligned.
  ///
  /// - Parameters:
  ///   - bytes: little-endian elements of `type`.
  ///   - output: one float for each element.
  /// - Throws: ``CogError`` when the type is not converted or the sizes do not match.
  package func convert(
    _ bytes: UnsafeRawBufferPointer, of type: ElementType, to output: UnsafeMutableBufferPointer<Float>
  ) throws {
    let count = try elementCount(output.count, type: type, bytes: bytes.count)
    guard count > 0, let source = bytes.baseAddress, let destination = output.baseAddress else { return }
    guard let code = CogElementType(type), table.pointee.to_float(code, source, destination, count) == COG_OK
    else {
      throw Self.notConverted(type)
    }
  }

  /// Converts float32 to F32, F64, F16 or BF16, rounding to nearest even; NaN stays NaN.
  ///
  /// - Parameters:
  ///   - values: the numbers.
  ///   - bytes: room for as many elements of `type`; may be unaligned.
  /// - Throws: ``CogError`` when the type is another or the sizes do not match.
  package func convert(
    _ values: UnsafeBufferPointer<Float>, to type: ElementType, into bytes: UnsafeMutableRawBufferPointer
  ) throws {
    let count = try elementCount(values.count, type: type, bytes: bytes.count)
    guard count > 0, let source = values.baseAddress, let destination = bytes.baseAddress else { return }
    guard let code = CogElementType(type),
      table.pointee.from_float(code, source, destination, count) == COG_OK
    else {
      throw Self.notConverted(type)
    }
  }

  /// Rounds float32 numbers to those that bfloat16 can hold, in place.
  package func roundToBFloat16(_ values: UnsafeMutableBufferPointer<Float>) {
    if let base = values.baseAddress { table.pointee.round_to_bf16(base, values.count) }
  }

  private func elementCount(_ count: Int, type: ElementType, bytes: Int) throws -> Int {
    guard let width = type.byteWidth else { throw Self.notConverted(type) }
    let expected = try Checked.multiply(count, width, "bytes of \(type.rawValue) elements")
    guard expected == bytes else {
      throw CogError(
        "the bytes do not hold as many \(type.rawValue) elements", expected: "\(expected) bytes",
        found: "\(bytes)")
    }
    return count
  }

  static func notConverted(_ type: ElementType) -> CogError {
    CogError(
      "this element type is not converted", expected: "F64, F32, F16, BF16 or an integer type",
      found: type.rawValue)
  }
}
