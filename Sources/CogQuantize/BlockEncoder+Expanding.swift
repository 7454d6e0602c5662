import CogBase
import CogModel

extension BlockEncoder {
  /// Stores the values of a quantized matrix in a floating-point type: exactly in F32, rounded in the others.
  ///
  /// - Parameter layout: where the codes lie.
  func expand(
    _ tensor: SourceTensor, layout: PanelLayout, to type: ElementType,
    inspect: (PlainOutcome) throws -> Void, emit: Emit
  ) throws -> EncodedTensor {
    guard let width = type.byteWidth else { throw CogError("values cannot be stored", found: type.rawValue) }
    let rowBytes = layout.columns * width
    let panelFloats = PanelLayout.panelRows * layout.columns
    let blockPanels = min(
      max(context.threads.threadCount, Self.blockWeights / panelFloats), layout.panelCount)
    var total = PlainOutcome()
    var checksum = SourceChecksum()
    for first in stride(from: 0, to: layout.panelCount, by: blockPanels) {
      try context.cancellation.check()
      let panels = first..<min(first + blockPanels, layout.panelCount)
      let rows = Self.rows(ofPanels: panels, in: layout)
      let buffer = buffers.take(rows.count * rowBytes)
      let results = context.threads.results(panels.count) { index in
        let panel = first + index
        let panelRows = Self.rows(ofPanels: panel..<panel + 1, in: layout)
        let target = (panelRows.lowerBound - rows.lowerBound) * rowBytes
        let outcome = try expandPanel(
          tensor, rows: panelRows, layout: layout, to: type,
          into: UnsafeMutableRawBufferPointer(
            rebasing: buffer.bytes[target..<target + panelRows.count * rowBytes]))
        let source = tensor.bytes.unpinned[panel * layout.panelBytes..<(panel + 1) * layout.panelBytes]
        return (outcome, SourceChecksum.ofPiece(UnsafeRawBufferPointer(rebasing: source)))
      }
      for (panel, result) in zip(panels, results) {
        let (outcome, piece) = try result.get()
        total.add(outcome, at: panel * panelFloats)
        checksum.add(piece)
      }
      try inspect(total)
      try emit(
        FinishedBlock(
          buffer, count: rows.count * rowBytes,
          sourceRange: panels.lowerBound * layout.panelBytes..<panels.upperBound * layout.panelBytes))
    }
    let error = StorageError(squaredError: total.squaredError, squares: total.squares)
    return EncodedTensor(error: error, outcome: total, sourceChecksum: checksum)
  }

  private func expandPanel(
    _ tensor: SourceTensor, rows: Range<Int>, layout: PanelLayout, to type: ElementType,
    into target: UnsafeMutableRawBufferPointer
  ) throws -> PlainOutcome {
    let count = rows.count * layout.columns
    return try withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * count) { floats in
      let values = UnsafeMutableBufferPointer(rebasing: floats[..<count])
      let stored = UnsafeMutableBufferPointer(rebasing: floats[count...])
      try context.kernels.dequantize(tensor.bytes.unpinned, layout: layout, rows: rows, into: values)
      try context.kernels.convert(UnsafeBufferPointer(values), to: type, into: target)
      try context.kernels.convert(UnsafeRawBufferPointer(target), of: type, to: stored)
      var outcome = PlainOutcome()
      measure(count, stored, &outcome) { Double(values[$0]) }
      return outcome
    }
  }
}
