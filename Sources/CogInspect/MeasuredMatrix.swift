import CogModel
import CogBase

/// A tensor's elements as a matrix of rows, one for each output channel, and columns, some for each input
/// channel.
struct MeasuredMatrix {
  /// Channels that maxima are kept for at most; a tensor with more has none named.
  static let mostChannels = 1 << 20
  /// Elements that one thread works on at a time: they stay in the second-level cache. Sums are added up in
  /// pieces of this size, so another number would change last bits.
  private static let chunkElements = 1 << 15

  let bytes: UnsafeRawBufferPointer
  let encoding: TensorEncoding
  let rows: Int
  let columns: Int
  /// Neighboring columns of one input channel: the positions of a convolution's kernel.
  let columnsPerChannel: Int
  /// Whether there are input channels, and few enough.
  let tracksColumns: Bool
  /// Columns of a group, whose elements may all be zeros: those of a quantized tensor's groups, or as many as
  /// where two plain tensors are compared. Nil for vectors, whose elements are channels.
  let groupSize: Int?
  /// Whether long rows are never cut into pieces.
  private let hasWholeRows: Bool

  var tracksRows: Bool { rows <= Self.mostChannels }

  /// - Parameters:
  ///   - shape: `[n]` is n channels of one element, `[out, in]` a matrix, `[a, b, c]` is seen as `[a * b,
  ///     c]`, and with four or more dimensions the first two are the channels.
  ///   - bytes: as many as encoding and shape ask for.
  init(shape: Shape, encoding: TensorEncoding, bytes: UnsafeRawBufferPointer) {
    (self.bytes, self.encoding, hasWholeRows) = (bytes, encoding, encoding.isQuantized)
    let sizes = shape.dimensions
    guard shape.elementCount > 0 else {
      (rows, columns, columnsPerChannel, tracksColumns, groupSize) = (0, 0, 1, false, nil)
      return
    }
    // A quantized tensor is laid out as the matrix of its first dimension and all others.
    let isFlattened = sizes.count == 3 && !encoding.isQuantized
    rows = isFlattened ? sizes[0] * sizes[1] : shape.rows
    columns = isFlattened ? sizes[2] : shape.columns
    columnsPerChannel = sizes.count > 3 ? sizes[2...].reduce(1, *) : 1
    tracksColumns = sizes.count > 1 && columns <= Self.mostChannels
    groupSize = sizes.count > 1 ? encoding.groupSize ?? TensorDiffMeter.plainGroupSize : nil
  }

  /// A matrix without channels.
  init(rows: Int, columns: Int, encoding: TensorEncoding, bytes: UnsafeRawBufferPointer, hasWholeRows: Bool) {
    (self.rows, self.columns, self.encoding, self.bytes) = (rows, columns, encoding, bytes)
    (columnsPerChannel, tracksColumns, groupSize, self.hasWholeRows) = (1, false, nil, hasWholeRows)
  }

  /// A run of whole rows, or a piece of one long row.
  struct Chunk {
    let rows: Range<Int>
    let columns: Range<Int>
    var count: Int { rows.count * columns.count }
  }

  /// Whether rows are so long that a chunk is a piece of one. Those of a quantized tensor are never cut.
  var hasCutRows: Bool { columns > Self.chunkElements && !hasWholeRows }

  private var rowsInChunk: Int { max(1, Self.chunkElements / max(columns, 1)) }

  private var piecesOfRow: Int { (columns - 1) / Self.chunkElements + 1 }

  /// The number of chunks.
  var chunkCount: Int {
    guard rows > 0, columns > 0 else { return 0 }
    return hasCutRows ? rows * piecesOfRow : (rows - 1) / rowsInChunk + 1
  }

  /// A chunk by its number; their order is that of the elements.
  func chunk(_ index: Int) -> Chunk {
    if hasCutRows {
      let (row, piece) = index.quotientAndRemainder(dividingBy: piecesOfRow)
      let first = piece * Self.chunkElements
      return Chunk(rows: row..<row + 1, columns: first..<min(first + Self.chunkElements, columns))
    }
    let first = index * rowsInChunk
    return Chunk(rows: first..<min(first + rowsInChunk, rows), columns: 0..<columns)
  }

  /// The bytes of a chunk of a plain tensor.
  func bytes(of chunk: Chunk, width: Int) -> UnsafeRawBufferPointer {
    let first = (chunk.rows.lowerBound * columns + chunk.columns.lowerBound) * width
    return UnsafeRawBufferPointer(rebasing: bytes[first..<first + chunk.count * width])
  }

  /// The bytes that a chunk is answerable for: its elements, or the panels that begin in its rows. Together
  /// the chunks have every byte once.
  func storedBytes(of chunk: Chunk) -> UnsafeRawBufferPointer {
    if let width = encoding.plainType?.byteWidth { return bytes(of: chunk, width: width) }
    let panels = panels(beginningIn: chunk.rows)
    return UnsafeRawBufferPointer(
      rebasing: bytes[panels.lowerBound * panelBytes..<panels.upperBound * panelBytes])
  }

  /// Bytes from one panel of a quantized tensor to the next.
  private var panelBytes: Int { bytes.count / ((rows - 1) / PanelLayout.panelRows + 1) }

  /// The panels of a quantized tensor whose first row is one of `rows`.
  func panels(beginningIn rows: Range<Int>) -> Range<Int> {
    let height = PanelLayout.panelRows
    return (rows.lowerBound + height - 1) / height..<(rows.upperBound + height - 1) / height
  }

  /// Bytes of the tensor up to the end of a chunk, at least: those that are done with once it and all before
  /// it are.
  func bytesDone(through index: Int) -> Int {
    guard index < chunkCount - 1 else { return bytes.count }
    let chunk = chunk(index)
    guard let width = encoding.plainType?.byteWidth else {
      return panelBytes * (chunk.rows.upperBound / PanelLayout.panelRows)
    }
    return ((chunk.rows.upperBound - 1) * columns + chunk.columns.upperBound) * width
  }
}
