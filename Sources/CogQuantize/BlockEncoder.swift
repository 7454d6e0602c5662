import CogBase
import CogCompute
import CogModel

/// Encodes a tensor in blocks that all threads share, so that no whole copy of it is ever in memory.
///
/// What comes out does not depend on the number of threads: every panel and every chunk is computed alone,
/// and their sums are added in order.
struct BlockEncoder {
  /// Threads, kernels, and who may stop the work between blocks.
  let context: RunContext
  /// How codes and scales of quantized tensors are found.
  let method: any QuantizationMethod
  /// Where blocks get their memory; who takes a finished block gives it back.
  let buffers = BlockBuffers()

  /// Takes a finished block.
  typealias Emit = (FinishedBlock) throws -> Void

  private var kernels: KernelSet { context.kernels }

  /// Weights in a block of panels; more only where a panel for each thread needs it.
  static let blockWeights = 4 << 20
  /// Elements that one thread converts at a time: small enough for the second-level cache.
  static let chunkElements = 1 << 14
  /// Chunks in a block of a plain tensor.
  static let chunksPerBlock = 64
}

/// What encoding a tensor gave beside its bytes.
struct EncodedTensor {
  /// What it lost.
  var error: StorageError
  /// What happened to the elements of a plain tensor.
  var outcome = PlainOutcome()
  /// A checksum of the source's bytes.
  var sourceChecksum = SourceChecksum()
  /// The runs of zeros in the source's bytes; not looked for where those are quantized weights.
  var zeroRuns = ZeroRuns()
  /// Groups whose scale does not fit.
  var scaleLosses = ScaleLosses()
}

extension BlockEncoder {
  /// Encodes a tensor.
  ///
  /// - Parameters:
  ///   - tensor: the elements, as many as its shape says.
  ///   - inspect: sees what happened to the elements of a plain tensor up to now before a block goes out;
  ///     what it throws ends the work.
  /// - Throws: ``CogError`` at the first weight of a quantized tensor that is NaN or infinite, with its row
  ///   and column; what `inspect`, `emit` and the cancellation throw.
  func encode(
    _ tensor: SourceTensor, as slot: TensorSlot, inspect: (PlainOutcome) throws -> Void, emit: Emit
  ) throws -> EncodedTensor {
    switch (tensor.entry.encoding.plainType, slot.encoding.plainType) {
    case (let sourceType?, let type?):
      return try convert(tensor, of: sourceType, to: type, inspect: inspect, emit: emit)
    case (let sourceType?, nil):
      let layout = try PanelLayout(encoding: slot.encoding, shape: slot.shape)
      return try quantize(tensor, of: sourceType, as: slot, layout: layout, emit: emit)
    case (nil, let type?):
      let layout = try PanelLayout(encoding: tensor.entry.encoding, shape: tensor.shape)
      return try expand(tensor, layout: layout, to: type, inspect: inspect, emit: emit)
    case (nil, nil):
      throw CogError(
        "a quantized tensor is not quantized again", code: .unsupported, found: tensor.entry.encoding.label)
    }
  }

  /// The checksum of a source tensor's bytes as ``encode(_:as:inspect:emit:)`` takes it.
  func sourceChecksum(of tensor: SourceTensor, as slot: TensorSlot) throws -> SourceChecksum {
    let pieceBytes =
      if tensor.entry.encoding.isQuantized {
        try PanelLayout(encoding: tensor.entry.encoding, shape: tensor.shape).panelBytes
      } else if slot.encoding.isQuantized {
        PanelLayout.panelRows * (tensor.bytes.count / max(1, slot.shape.rows))
      } else {
        Self.chunkElements * (tensor.entry.encoding.plainType?.byteWidth ?? 1)
      }
    let sums = try pieces(of: tensor.bytes.count, pieceBytes) { range in
      SourceChecksum.ofPiece(UnsafeRawBufferPointer(rebasing: tensor.bytes.unpinned[range]))
    }
    var checksum = SourceChecksum()
    for sum in sums { checksum.add(sum) }
    return checksum
  }

  /// CRC-32 of the bytes of a tensor that lies in unfinished work.
  func checksum(of tensor: StoredTensor, in part: Part) throws -> UInt32 {
    let file = try part.file(tensor.file)
    let pieceBytes = 1 << 20
    let sums = try pieces(of: tensor.slot.byteCount, pieceBytes) { range in
      try withUnsafeTemporaryAllocation(byteCount: range.count, alignment: 64) { buffer in
        try file.read(buffer, at: tensor.offset + range.lowerBound)
        return (Checksum.crc32(UnsafeRawBufferPointer(buffer)), range.count)
      }
    }
    return sums.reduce(0) { Checksum.joined($0, $1.0, secondCount: $1.1) }
  }

  /// What `body` gives for each piece of `byteCount` bytes, in order, from all threads.
  private func pieces<Value>(
    of byteCount: Int, _ pieceBytes: Int, _ body: (Range<Int>) throws -> Value
  ) throws -> [Value] {
    guard byteCount > 0, pieceBytes > 0 else { return [] }
    return try context.threads.results((byteCount - 1) / pieceBytes + 1) { index in
      try body(index * pieceBytes..<min((index + 1) * pieceBytes, byteCount))
    }.map { try $0.get() }
  }
}

// MARK: Quantized tensors

extension BlockEncoder {
  /// Quantizes a matrix panel by panel.
  private func quantize(
    _ tensor: SourceTensor, of sourceType: ElementType, as slot: TensorSlot, layout: PanelLayout, emit: Emit
  ) throws -> EncodedTensor {
    let quantizer = try method.quantizer(for: slot)
    let rowBytes = tensor.bytes.count / layout.rows
    let panelFloats = PanelLayout.panelRows * layout.columns
    let blockPanels = min(
      max(context.threads.threadCount, Self.blockWeights / panelFloats), layout.panelCount)
    var sums = ErrorSums()
    var encoded = EncodedTensor(error: .none)
    for first in stride(from: 0, to: layout.panelCount, by: blockPanels) {
      try context.cancellation.check()
      let panels = first..<min(first + blockPanels, layout.panelCount)
      let buffer = buffers.take(panels.count * layout.panelBytes)
      let results = context.threads.results(panels.count) { index in
        let rows = Self.rows(ofPanels: first + index..<first + index + 1, in: layout)
        let source = UnsafeRawBufferPointer(
          rebasing: tensor.bytes.unpinned[rows.lowerBound * rowBytes..<rows.upperBound * rowBytes])
        let panel = buffer.bytes[index * layout.panelBytes..<(index + 1) * layout.panelBytes]
        // The allocator gives a thread the same memory again, which is in its cache.
        return try withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.count * layout.columns) {
          floats in
          try kernels.convert(source, of: sourceType, to: floats)
          let error = try quantizePanel(
            UnsafeBufferPointer(floats), quantizer, firstRow: rows.lowerBound, layout: layout,
            into: UnsafeMutableRawBufferPointer(rebasing: panel))
          let losses = ScaleLosses(
            of: UnsafeRawBufferPointer(rebasing: panel), weights: UnsafeBufferPointer(floats),
            firstRow: rows.lowerBound, layout: layout)
          return (error, losses, SourceChecksum.ofPiece(source), ZeroRuns(of: source))
        }
      }
      for (panel, result) in zip(panels, results) {
        let (error, losses, piece, zeros) = try result.get()
        sums.add(error, firstRow: panel * PanelLayout.panelRows)
        encoded.scaleLosses.add(losses)
        encoded.sourceChecksum.add(piece)
        encoded.zeroRuns.add(zeros)
      }
      let rows = Self.rows(ofPanels: panels, in: layout)
      try emit(
        FinishedBlock(
          buffer, count: panels.count * layout.panelBytes,
          sourceRange: rows.lowerBound * rowBytes..<rows.upperBound * rowBytes))
    }
    encoded.error = sums.error
    return encoded
  }

  private func quantizePanel(
    _ weights: UnsafeBufferPointer<Float>, _ quantizer: any PanelQuantizer, firstRow: Int,
    layout: PanelLayout, into panel: UnsafeMutableRawBufferPointer
  ) throws -> PanelError {
    do {
      return try quantizer.quantize(
        weights, firstRow: firstRow, layout: layout, kernels: kernels, into: panel)
    } catch let error as CogError where error.code == .notFinite {
      // The kernel names row and group within the panel; the user needs them within the tensor.
      guard let index = weights.firstIndex(where: { !$0.isFinite }) else { throw error }
      throw NonFinite.error(
        row: firstRow + index / layout.columns, column: index % layout.columns, value: weights[index])
    }
  }

  /// The rows of some panels; the last panel may have fewer than 16.
  static func rows(ofPanels panels: Range<Int>, in layout: PanelLayout) -> Range<Int> {
    let height = PanelLayout.panelRows
    return panels.lowerBound * height..<min(panels.upperBound * height, layout.rows)
  }
}

/// Errors of panels, added up in order.
private struct ErrorSums {
  private var squaredError = 0.0
  private var squares = 0.0
  private var worst = 0.0
  private var worstRow = 0
  private var worstGroup = 0

  mutating func add(_ panel: PanelError, firstRow: Int) {
    squaredError += panel.squaredError
    squares += panel.squaredSum
    guard panel.worstRelativeError > worst else { return }
    worst = panel.worstRelativeError
    worstRow = firstRow + panel.worstRow
    worstGroup = panel.worstGroup
  }

  var error: StorageError {
    StorageError(
      squaredError: squaredError, squares: squares, worstGroup: Float(worst), worstRow: worstRow,
      worstGroupIndex: worstGroup)
  }
}
