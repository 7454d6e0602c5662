import CKernels
import CogBase
package import CogModel

/// A weight `[rows, columns]` where it lies, usually in a mapped file; plain or quantized.
package struct WeightMatrix: Sendable {
  /// How the elements are stored.
  package let encoding: TensorEncoding
  /// Rows: the features that a linear layer puts out.
  package let rows: Int
  /// Columns: the features that it takes in.
  package let columns: Int
  private let storage: OwnedBytes
  /// The panels of a quantized weight.
  let layout: PanelLayout?

  /// The elements, valid as long as the weight lives; not necessarily aligned.
  package var bytes: UnsafeRawBufferPointer { storage.unpinned }

  /// A weight whose elements are used where they lie.
  ///
  /// - Throws: ``CogError`` when the sizes do not fit, the number of bytes is another than the encoding
  ///   takes, or elements of this type cannot be converted to float32.
  package init(
    encoding: TensorEncoding, rows: Int, columns: Int, bytes: OwnedBytes
  ) throws {
    guard rows > 0, columns > 0, rows <= Int32.max, columns <= Int32.max else {
      throw CogError(
        "a weight's sizes are out of range", expected: "1 to \(Int32.max)", found: "[\(rows), \(columns)]")
    }
    if let type = encoding.plainType, CogElementType(type) == nil { throw KernelSet.notConverted(type) }
    let expected = try encoding.byteCount(of: Shape([rows, columns]))
    guard bytes.count == expected else {
      throw CogError(
        "a weight has the wrong number of bytes", subject: "\(encoding.label) [\(rows), \(columns)]",
        expected: "\(expected)", found: "\(bytes.count)")
    }
    self.encoding = encoding
    self.rows = rows
    self.columns = columns
    storage = bytes
    layout = encoding.isQuantized ? try PanelLayout(encoding: encoding, rows: rows, columns: columns) : nil
  }

  /// Some rows as float32, exact for every encoding but F64 and wide integers, which round to nearest even.
  ///
  /// - Throws: ``CogError`` when the rows are not all in the matrix.
  package func dequantizedRows(_ range: Range<Int>, kernels: KernelSet) throws -> FloatMatrix {
    guard range.lowerBound >= 0, range.upperBound <= rows else {
      throw CogError("there are no such rows", expected: "rows in 0..<\(rows)", found: "\(range)")
    }
    let result = FloatMatrix(uninitializedRows: range.count, columns: columns)
    expand(range, into: result.pointer, kernels: kernels)
    return result
  }

  /// Writes a row, which is one of the matrix, as float32.
  ///
  /// - Parameter target: room for ``columns`` values.
  package func expand(row: Int, into target: UnsafeMutableBufferPointer<Float>, kernels: KernelSet) {
    precondition(row >= 0 && row < rows && target.count == columns, "a row of the matrix")
    if let base = target.baseAddress { expand(row..<row + 1, into: base, kernels: kernels) }
  }

  /// Writes the rows of `range`, which are rows of the matrix, as float32 `[range.count, columns]`.
  func expand(_ range: Range<Int>, into output: UnsafeMutablePointer<Float>, kernels: KernelSet) {
    guard let base = bytes.baseAddress else { return }
    if let layout, var matrix = CogPanelMatrix(layout, panels: bytes) {
      kernels.table.pointee.dequantize(
        &matrix, range.lowerBound, range.upperBound, columns, output, columns)
    } else if let type = encoding.plainType, let code = CogElementType(type), let width = type.byteWidth {
      let first = base + range.lowerBound * columns * width
      _ = kernels.table.pointee.to_float(code, first, output, range.count * columns)
    }
  }

  /// The elements of a plain float32 weight that lies aligned, usable as they are.
  var alignedFloats: UnsafePointer<Float>? {
    guard encoding.plainType == .float32, let base = bytes.baseAddress, Int(bitPattern: base) % 4 == 0
    else {
      return nil
    }
    return base.assumingMemoryBound(to: Float.self)
  }

  /// Whether loading the weight in bfloat16 rounds it.
  var isWiderThanBFloat16: Bool { encoding.plainType != .bfloat16 }
}

extension CogPanelMatrix {
  /// The kernels' description of panels, or nil when there are no bytes.
  init?(_ layout: PanelLayout, panels: UnsafeRawBufferPointer) {
    guard let base = panels.baseAddress else { return nil }
    self.init(
      panels: base.assumingMemoryBound(to: UInt8.self), bits: UInt32(layout.codes.bits), rows: layout.rows,
      group_size: layout.groupSize,
      group_count: layout.groupCount, padded_columns: layout.paddedColumns, header_bytes: layout.headerBytes,
      block_bytes: layout.blockBytes, panel_bytes: layout.panelBytes)
  }
}
