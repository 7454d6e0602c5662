import CKernels
import CogBase
package import CogModel

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

  /// Nothing was lost yet.
  package init() {}
}

/// How the scales and zero points of quantized weights are chosen.
package enum ScaleChoice: String, CaseIterable, Sendable {
  /// A search for the least squared error of each group.
  case leastSquares = "least-squares"
  /// What a group's largest weights need: int4 from the least and the largest weight, 0 included, int8 from
  /// the largest magnitude.
  case absmax

  fileprivate var kernelChoice: CogScaleChoice {
    switch self {
    case .leastSquares: COG_LEAST_SQUARES
    case .absmax: COG_ABSMAX
    }
  }
}

extension PanelError {
  fileprivate init(_ error: CogPanelError) {
    (squaredError, squaredSum) = (error.squared_error, error.squared_sum)
    (worstRelativeError, worstRow, worstGroup) = (
      error.worst_relative_error, error.worst_row, error.worst_group
    )
  }
}

extension KernelSet {
  /// Quantizes the 16 rows of one panel (`Formats/int4.md`): chooses scales and zero points, rounds to the
  /// nearest codes, and packs them.
  ///
  /// - Parameters:
  ///   - weights: the existing rows of the panel, `[min(16, rows left), layout.columns]`, row after row.
  ///   - layout: the layout of the whole tensor.
  ///   - choice: how scales and zero points are chosen.
  ///   - importance: how much the squared errors of each column count in that choice, `layout.columns` finite
  ///     numbers that are not negative; nil: all alike.
  ///   - panel: room for `layout.panelBytes` bytes; every one is written.
  /// - Throws: ``CogError`` when a weight is NaN or infinite (the subject names row in the panel and group)
  ///   or the sizes do not match.
  package func quantize(
    _ weights: UnsafeBufferPointer<Float>, layout: PanelLayout, choosing choice: ScaleChoice,
    importance: [Float]? = nil, into panel: UnsafeMutableRawBufferPointer
  ) throws -> PanelError {
    let rows = weights.count / layout.columns
    guard let source = weights.baseAddress, let destination = panel.baseAddress,
      panel.count == layout.panelBytes, Self.isPanel(rows: rows, elements: weights.count, of: layout),
      importance.map({ $0.count == layout.columns }) ?? true,
      var matrix = CogPanelMatrix(layout, panels: UnsafeRawBufferPointer(panel))
    else {
      throw CogError(
        "a panel's sizes do not match",
        expected: "1 to 16 rows of \(layout.columns) and \(layout.panelBytes) bytes",
        found: "\(weights.count) weights and \(panel.count) bytes")
    }
    var error = CogPanelError()
    func quantize(_ importance: UnsafePointer<Float>?) -> CogStatus {
      table.pointee.quantize(
        &matrix, choice.kernelChoice, importance, source, layout.columns, rows, layout.columns,
        destination.assumingMemoryBound(to: UInt8.self), &error)
    }
    let status = importance?.withUnsafeBufferPointer { quantize($0.baseAddress) } ?? quantize(nil)
    if status == COG_NOT_FINITE {
      throw CogError(
        "a weight is NaN or infinite", code: .notFinite,
        subject: "row \(error.worst_row) of the panel, group \(error.worst_group)",
        advice: "Quantize an undamaged checkpoint.")
    }
    guard status == COG_OK else { throw CogError("a panel's layout cannot be quantized") }
    return PanelError(error)
  }

  /// Packs rows that are quantized already into one panel, however their codes were found; the weights are
  /// `scale * (code - zero)`. A row's group of zeros becomes the format's zeros, whatever its scale was.
  ///
  /// - Parameters:
  ///   - codes: the existing rows of the panel, `[min(16, rows left), layout.columns]`: 0 to 15 in int4, -127
  ///     to 127 in int8.
  ///   - scales: `[rows, layout.groupCount]`, each of them a number of F16 that is not negative.
  ///   - zeros: likewise, zero points from 0 to 15; empty for none, as in int8.
  ///   - layout: the layout of the whole tensor.
  ///   - panel: room for `layout.panelBytes` bytes; every one is written.
  /// - Throws: ``CogError`` when the sizes do not match, or the format has no such code, scale or zero point.
  package func pack(
    codes: UnsafeBufferPointer<Int8>, scales: UnsafeBufferPointer<Float>, zeros: UnsafeBufferPointer<UInt8>,
    layout: PanelLayout, into panel: UnsafeMutableRawBufferPointer
  ) throws {
    let rows = codes.count / layout.columns
    let groups = rows * layout.groupCount
    guard let codeBase = codes.baseAddress, let scaleBase = scales.baseAddress, scales.count == groups,
      zeros.isEmpty || zeros.count == groups, let destination = panel.baseAddress,
      panel.count == layout.panelBytes, Self.isPanel(rows: rows, elements: codes.count, of: layout),
      var matrix = CogPanelMatrix(layout, panels: UnsafeRawBufferPointer(panel))
    else {
      throw CogError(
        "a panel's sizes do not match",
        expected: "1 to 16 rows of \(layout.columns) codes and \(layout.groupCount) scales",
        found: "\(codes.count) codes, \(scales.count) scales, \(zeros.count) zero points")
    }
    var source = CogPanelCodes(
      codes: codeBase, scales: scaleBase, zeros: zeros.isEmpty ? nil : zeros.baseAddress, rows: rows,
      columns: layout.columns)
    let status = table.pointee.pack(&matrix, &source, destination.assumingMemoryBound(to: UInt8.self))
    guard status == COG_OK else {
      let range = layout.codes.range
      throw CogError(
        "a panel's code, scale or zero point is none that the format has",
        expected: "codes from \(range.lowerBound) to \(range.upperBound)"
          + (layout.codes.hasZeroPoints ? ", zero points too" : ""),
        advice: "Scales are numbers of F16, not negative.")
    }
  }

  private static func isPanel(rows: Int, elements: Int, of layout: PanelLayout) -> Bool {
    (1...PanelLayout.panelRows).contains(rows) && rows * layout.columns == elements
  }
}
