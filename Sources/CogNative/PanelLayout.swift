package import CogBase

/// Where scales, zero points and weights lie in a quantized tensor (`Formats/int4.md`, "Sizes").
package struct PanelLayout: Equatable, Sendable {
  /// Rows in a panel.
  package static let panelRows = 16
  /// Bytes in a line: one AVX-512 register, one cache line.
  package static let lineBytes = 64
  /// Groups in a block; a row's last block may have fewer.
  package static let blockGroups = 4

  /// Rows of the matrix.
  package let rows: Int
  /// Columns of the matrix.
  package let columns: Int
  /// Columns that share a scale.
  package let groupSize: Int
  /// Bits of a weight: 4 or 8.
  package let bits: Int
  /// Columns rounded up to a multiple of 8.
  package let paddedColumns: Int
  /// Groups in a row; the last may be short.
  package let groupCount: Int
  /// Panels in the tensor; the last may have padding rows.
  package let panelCount: Int
  /// Bytes of scales and zero points at the start of a block: 192 in int4, 128 in int8.
  package let headerBytes: Int
  /// Bytes from one block of four groups to the next.
  package let blockBytes: Int
  /// Lines in a panel.
  package let lineCount: Int
  /// Bytes from one panel to the next.
  package let panelBytes: Int
  /// Bytes of the whole tensor.
  package let byteCount: Int

  /// The layout of a matrix in a quantized encoding.
  ///
  /// - Throws: ``CogError`` when the encoding is not quantized, the group size is not one of
  ///   ``TensorEncoding/groupSizes``, or the sizes do not fit 63 bits.
  package init(encoding: TensorEncoding, rows: Int, columns: Int) throws {
    guard let groupSize = encoding.groupSize, TensorEncoding.groupSizes.contains(groupSize) else {
      throw CogError(
        "this is no quantized encoding", expected: "int4 or int8 in groups of 32, 64 or 128",
        found: encoding.label)
    }
    guard rows > 0, columns > 0 else {
      throw CogError("a quantized tensor has no elements", found: "[\(rows), \(columns)]")
    }
    self.rows = rows
    self.columns = columns
    self.groupSize = groupSize
    let isInt4 = if case .int4 = encoding { true } else { false }
    bits = isInt4 ? 4 : 8
    paddedColumns = try Checked.alignUp(columns, to: 8, "columns")
    groupCount = (paddedColumns - 1) / groupSize + 1
    panelCount = (rows - 1) / Self.panelRows + 1
    headerBytes = Self.blockGroups * Self.panelRows * (isInt4 ? 3 : 2)
    blockBytes = headerBytes + Self.blockGroups * groupSize / (isInt4 ? 8 : 4) * Self.lineBytes
    lineCount = paddedColumns / (isInt4 ? 8 : 4)
    let blockCount = (groupCount - 1) / Self.blockGroups + 1
    panelBytes = try Checked.add(
      Checked.multiply(blockCount, headerBytes, "scales of a panel"),
      Checked.multiply(lineCount, Self.lineBytes, "lines of a panel"), "bytes of a panel")
    byteCount = try Checked.multiply(panelCount, panelBytes, "bytes of a quantized tensor")
  }

  /// The layout of a tensor seen as the matrix `[first dimension, product of the others]`.
  ///
  /// - Throws: ``CogError`` as ``init(encoding:rows:columns:)``.
  package init(encoding: TensorEncoding, shape: Shape) throws {
    // Without this, the product of the other dimensions could overflow beside a first dimension of 0.
    guard shape.dimensions.allSatisfy({ $0 > 0 }) else {
      throw CogError("a quantized tensor has no elements", found: shape.description)
    }
    _ = try shape.checkedElementCount()
    try self.init(encoding: encoding, rows: shape.rows, columns: shape.columns)
  }

  /// Offset of the scale of a row and group from the tensor's first byte.
  package func scaleOffset(row: Int, group: Int) -> Int {
    blockOffset(row: row, group: group)
      + (group % Self.blockGroups * Self.panelRows + row % Self.panelRows) * 2
  }

  /// Offset of the zero point of a row and group from the tensor's first byte (int4 only).
  package func zeroOffset(row: Int, group: Int) -> Int {
    blockOffset(row: row, group: group) + Self.blockGroups * Self.panelRows * 2
      + group % Self.blockGroups * Self.panelRows + row % Self.panelRows
  }

  /// Offset of the byte that holds a weight from the tensor's first byte, and for int4 whether it is the high
  /// half.
  package func weightOffset(row: Int, column: Int) -> (byte: Int, isHighHalf: Bool) {
    let lines = blockOffset(row: row, group: column / groupSize) + headerBytes
    let perLine = bits == 4 ? 8 : 4
    let inLine = column % perLine
    let line = column % (Self.blockGroups * groupSize) / perLine
    return (lines + line * Self.lineBytes + row % Self.panelRows * 4 + inLine % 4, inLine >= 4)
  }

  /// Offset of the block of a row and group from the tensor's first byte.
  private func blockOffset(row: Int, group: Int) -> Int {
    row / Self.panelRows * panelBytes + group / Self.blockGroups * blockBytes
  }
}
