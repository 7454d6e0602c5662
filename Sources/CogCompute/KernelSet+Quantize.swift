import CKernels
import CogBase
package import CogNative

/// What quantizing a panel of weights lost.
package struct PanelError: Equatable, Sendable {
  /// Sum of `(weight - decoded weight)^2`.
  package var squaredError = 0.0
  /// Sum of `weight^2`.
  package var squaredSum = 0.0
  /// The largest relative error of a group: `sqrt(sum of squared errors / sum of squares)`.
  package var worstRelativeError = 0.0
  /// The row of that group in the panel, 0 to 15.
  package var worstRow = 0
  /// The number of that group in its row.
  package var worstGroup = 0
}

extension KernelSet {
  /// Quantizes the 16 rows of one panel (`Formats/int4.md`), choosing scales and zero points that minimize
  /// the squared error.
  ///
  /// - Parameters:
  ///   - weights: the existing rows of the panel, `[min(16, rows left), layout.columns]`, row after row.
  ///   - layout: the layout of the whole tensor.
  ///   - panel: room for `layout.panelBytes` bytes; every one is written.
  /// - Throws: ``CogError`` when a weight is NaN or infinite (the subject names row in the panel and group)
  ///   or the sizes do not match.
  package func quantize(
    _ weights: UnsafeBufferPointer<Float>, layout: PanelLayout, into panel: UnsafeMutableRawBufferPointer
  ) throws -> PanelError {
    let rows = weights.count / layout.columns
    guard let source = weights.baseAddress, let destination = panel.baseAddress,
      panel.count == layout.panelBytes,
      (1...PanelLayout.panelRows).contains(rows), rows * layout.columns == weights.count,
      var matrix = CogPanelMatrix(layout, panels: UnsafeRawBufferPointer(panel))
    else {
      throw CogError(
        "a panel's sizes do not match",
        expected: "1 to 16 rows of \(layout.columns) and \(layout.panelBytes) bytes",
        found: "\(weights.count) weights and \(panel.count) bytes")
    }
    var error = CogPanelError()
    let quantize = layout.bits == 4 ? table.pointee.quantize_int4 : table.pointee.quantize_int8
    let status = quantize(
      &matrix, source, layout.columns, rows, layout.columns, destination.assumingMemoryBound(to: UInt8.self),
      &error)
    if status == COG_NOT_FINITE {
      throw CogError(
        "a weight is NaN or infinite",
        subject: "row \(error.worst_row) of the panel, group \(error.worst_group)",
        advice: "Quantize an undamaged checkpoint.")
    }
    guard status == COG_OK else { throw CogError("a panel's layout cannot be quantized") }
    return PanelError(
      squaredError: error.squared_error, squaredSum: error.squared_sum,
      worstRelativeError: error.worst_relative_error, worstRow: error.worst_row, worstGroup: error.worst_group
    )
  }
}
