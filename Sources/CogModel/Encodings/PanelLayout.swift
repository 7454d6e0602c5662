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
  /// How the tensor is stored; quantized.
  package let encoding: TensorEncoding
  /// What stands for a weight.
  package let codes: QuantizedCodes
  /// Columns that share a scale.
  package let groupSize: Int
  /// Columns rounded up to a multiple of 8.
  package let paddedColumns: Int
  /// Groups in a row; the last may be short.
  package let groupCount: Int
  /// Panels in the tensor; the last may have padding rows.
  package let panelCount: Int
  /// Bytes of scales and zero points at the start of a block: 192 with zero points, 128 without.
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
  /// - Throws: ``CogError`` when the encoding is not quantized, the group size is not one of its family's, or
  ///   the sizes do not fit 63 bits.
  package init(encoding: TensorEncoding, rows: Int, columns: Int) throws {
    guard let codes = encoding.family.codes, let groupSize = encoding.groupSize,
      encoding.family.groupSizes.contains(groupSize)
    else {
      throw CogError(
        "this is no quantized encoding", expected: EncodingRegistry.quantizedNames, found: encoding.label)
    }
    guard rows > 0, columns > 0 else {
      throw CogError("a quantized tensor has no elements", found: "[\(rows), \(columns)]")
    }
    self.rows = rows
    self.columns = columns
    self.encoding = encoding
    self.codes = codes
    self.groupSize = groupSize
    paddedColumns = try Checked.alignUp(columns, to: 8, "columns")
    groupCount = (paddedColumns - 1) / groupSize + 1
    panelCount = (rows - 1) / Self.panelRows + 1
    headerBytes = Self.blockGroups * Self.panelRows * (codes.hasZeroPoints ? 3 : 2)
    let lineColumns = Self.lineColumns(codes)
    blockBytes = headerBytes + Self.blockGroups * groupSize / lineColumns * Self.lineBytes
    lineCount = paddedColumns / lineColumns
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

  /// Columns of which a line has the 16 rows' codes: 8 of 4 bits, 4 of 8 bits.
  private static func lineColumns(_ codes: QuantizedCodes) -> Int { lineBytes / panelRows * 8 / codes.bits }

  /// Offset of the zero point of a row and group from the tensor's first byte, where the family has them.
  package func zeroOffset(row: Int, group: Int) -> Int {
    blockOffset(row: row, group: group) + Self.blockGroups * Self.panelRows * 2
      + group % Self.blockGroups * Self.panelRows + row % Self.panelRows
  }

  /// Where the code of a weight is: the offset of its byte from the tensor's first byte, and how far above
  /// that byte's lowest bit it begins.
  package func weightOffset(row: Int, column: Int) -> (byte: Int, shift: Int) {
    let lines = blockOffset(row: row, group: column / groupSize) + headerBytes
    let perLine = Self.lineColumns(codes)
    let inLine = column % perLine
    let line = column % (Self.blockGroups * groupSize) / perLine
    let rowBytes = Self.lineBytes / Self.panelRows
    return (
      lines + line * Self.lineBytes + row % Self.panelRows * rowBytes + inLine % rowBytes,
      inLine / rowBytes * codes.bits
    )
  }

  /// Offset of the block of a row and group from the tensor's first byte.
  private func blockOffset(row: Int, group: Int) -> Int {
    row / Self.panelRows * panelBytes + group / Self.blockGroups * blockBytes
  }
}
