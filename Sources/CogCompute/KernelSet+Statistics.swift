import CKernels
import CogBase
package import CogModel

extension KernelSet {
  /// Writes rows of a quantized tensor as float32, row after row without padding; the values are exact.
  ///
  /// - Parameters:
  ///   - panels: the whole tensor, `layout.byteCount` bytes.
  ///   - rows: rows below `layout.rows`.
  ///   - output: `rows.count * layout.columns` values.
  /// - Throws: ``CogError`` when the sizes do not match.
  package func dequantize(
    _ panels: UnsafeRawBufferPointer, layout: PanelLayout, rows: Range<Int>,
    into output: UnsafeMutableBufferPointer<Float>
  ) throws {
    guard panels.count == layout.byteCount, rows.lowerBound >= 0, rows.upperBound <= layout.rows,
      output.count == rows.count * layout.columns, let target = output.baseAddress,
      var matrix = CogPanelMatrix(layout, panels: panels)
    else {
      throw CogError(
        "the rows of a quantized tensor do not fit", expected: "rows in 0..<\(layout.rows)", found: "\(rows)")
    }
    table.pointee.dequantize(
      &matrix, rows.lowerBound, rows.upperBound, layout.columns, target, layout.columns)
  }

  /// Counts the codes of one panel of a quantized tensor, padding left out.
  ///
  /// - Parameters:
  ///   - panels: the whole tensor, `layout.byteCount` bytes.
  ///   - panel: below `layout.panelCount`.
  ///   - counts: 256 counters, of which codes of `bits` bits use the first `2^bits`; signed codes count as
  ///     unsigned ones.
  /// - Throws: ``CogError`` where sizes do not fit; nothing is counted then.
  package static func countCodes(
    of panels: UnsafeRawBufferPointer, layout: PanelLayout, panel: Int,
    into counts: UnsafeMutableBufferPointer<UInt64>
  ) throws {
    guard panels.count == layout.byteCount, (0..<layout.panelCount).contains(panel), counts.count == 256,
      let target = counts.baseAddress, var matrix = CogPanelMatrix(layout, panels: panels)
    else {
      throw CogError(
        "the panel of a quantized tensor does not fit",
        expected: "\(layout.byteCount) bytes, a panel in 0..<\(layout.panelCount), 256 counters",
        found: "\(panels.count) bytes, panel \(panel), \(counts.count) counters")
    }
    cog_count_codes(&matrix, panel, layout.columns, target)
  }
}
