import CogBase
import CogCompute
import CogModel
import CogNative

/// Encodes a tensor in blocks that all threads share, so that no whole copy of it is ever in memory.
///
/// What comes out does not depend on the number of threads: every panel and every chunk is computed alone,
/// and their sums are added in order.
struct BlockEncoder {
  let kernels: KernelSet
  let pool: ThreadPool
  /// Called between blocks; what it throws ends the work.
  let stopCheck: () throws -> Void
  /// Where blocks get their memory; who takes a finished block gives it back.
  let buffers = BlockBuffers()

  /// Takes a finished block.
  typealias Emit = (FinishedBlock) throws -> Void

  /// Weights in a block of panels; more only where a panel for each thread needs it.
  static let blockWeights = 4 << 20
  /// Elements that one thread converts at a time: small enough for the second-level cache.
  static let chunkElements = 1 << 14
  /// Chunks in a block of a plain tensor.
  static let chunksPerBlock = 64
}

// MARK: Quantized tensors

extension BlockEncoder {
  /// Quantizes a matrix panel by panel.
  ///
  /// - Parameter view: the elements.
  /// - Throws: ``CogError`` at the first weight that is NaN or infinite, with its row and column.
  func quantize(_ view: SourceTensor, layout: PanelLayout, emit: Emit) throws -> StorageError {
    let rowBytes = view.bytes.count / layout.rows
    let elements = view.bytes.unpinned
    let panelFloats = PanelLayout.panelRows * layout.columns
    let blockPanels = min(max(pool.threadCount, Self.blockWeights / panelFloats), layout.panelCount)
    var sums = ErrorSums()
    for first in stride(from: 0, to: layout.panelCount, by: blockPanels) {
      try stopCheck()
      let panels = first..<min(first + blockPanels, layout.panelCount)
      let buffer = buffers.take(panels.count * layout.panelBytes)
      let results = parallelResults(panels.count) { index in
        let rows = Self.rows(ofPanel: first + index, in: layout)
        let source = elements[rows.lowerBound * rowBytes..<rows.upperBound * rowBytes]
        let panel = buffer.bytes[index * layout.panelBytes..<(index + 1) * layout.panelBytes]
        // The allocator gives a thread the same memory again, which is in its cache.
        return try withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.count * layout.columns) {
          floats in
          try kernels.convert(UnsafeRawBufferPointer(rebasing: source), of: view.elementType, to: floats)
          return try quantizePanel(
            UnsafeBufferPointer(floats), firstRow: rows.lowerBound, layout: layout,
            into: UnsafeMutableRawBufferPointer(rebasing: panel))
        }
      }
      for (panel, result) in zip(panels, results) {
        sums.add(try result.get(), firstRow: panel * PanelLayout.panelRows)
      }
      let rows =
        panels.lowerBound
        * PanelLayout.panelRows..<min(panels.upperBound * PanelLayout.panelRows, layout.rows)
      try emit(
        FinishedBlock(
          buffer, count: panels.count * layout.panelBytes,
          sourceRange: rows.lowerBound * rowBytes..<rows.upperBound * rowBytes))
    }
    return sums.error
  }

  private func quantizePanel(
    _ weights: UnsafeBufferPointer<Float>, firstRow: Int, layout: PanelLayout,
    into panel: UnsafeMutableRawBufferPointer
  ) throws -> PanelError {
    do {
      return try kernels.quantize(weights, layout: layout, choosing: .leastSquares, into: panel)
    } catch {
      // The kernel names row and group within the panel; the user needs them within the tensor.
      guard let index = weights.firstIndex(where: { !$0.isFinite }) else { throw error }
      throw NonFinite.error(
        row: firstRow + index / layout.columns, column: index % layout.columns, value: weights[index])
    }
  }

  private static func rows(ofPanel panel: Int, in layout: PanelLayout) -> Range<Int> {
    let first = panel * PanelLayout.panelRows
    return first..<min(first + PanelLayout.panelRows, layout.rows)
  }

  /// Calls `body` with 0 to `count - 1` on all threads and returns what it gave, in order.
  func parallelResults<Value>(_ count: Int, _ body: (Int) throws -> Value) -> [Result<Value, any Error>] {
    typealias Slot = Result<Value, any Error>
    return [Slot](unsafeUninitializedCapacity: count) { slots, initialized in
      guard let base = slots.baseAddress else { return }
      pool.parallelFor(count) { index in
        (base + index).initialize(to: Result { try body(index) })
      }
      initialized = count
    }
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
