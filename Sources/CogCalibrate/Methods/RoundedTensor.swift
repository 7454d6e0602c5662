import CogBase
import CogCompute
import CogModel
import CogQuantize
import Synchronization

/// A tensor whose codes were found for all rows at once; panels are packed of them.
final class RoundedTensor: PanelQuantizer, @unchecked Sendable {
  private let layout: PanelLayout
  /// `[rows, columns]`.
  private let codes: UnsafeMutablePointer<Int8>
  /// `[rows, groups]`.
  private let scales: UnsafeMutablePointer<Float>
  /// `[rows, groups]`; unused where the encoding has no zero points.
  private let zeros: UnsafeMutablePointer<UInt8>

  /// Room for a tensor that is not rounded yet.
  private init(_ layout: PanelLayout) {
    self.layout = layout
    codes = .allocate(capacity: layout.rows * layout.columns)
    scales = .allocate(capacity: layout.rows * layout.groupCount)
    zeros = .allocate(capacity: layout.rows * layout.groupCount)
  }

  deinit {
    codes.deallocate()
    scales.deallocate()
    zeros.deallocate()
  }

  /// Rounds a tensor with feedback, the scales of its groups chosen of the weights alone.
  ///
  /// - Parameters:
  ///   - bytes: the plain elements, `[rows, columns]`.
  ///   - factor: of the layer's inputs.
  /// - Throws: `CogError` with the code `notFinite` when a weight is NaN or infinite; what the context's
  ///   cancellation throws.
  static func round(
    _ bytes: OwnedBytes, of type: ElementType, layout: PanelLayout, factor: InputFactor, context: RunContext
  ) throws -> RoundedTensor {
    let result = RoundedTensor(layout)
    let rounding = FeedbackRounding(
      factor: factor.factor, order: factor.order, layout: layout, kernels: context.kernels)
    let step = FeedbackRounding.preferredRows
    let failure = Mutex<(any Error)?>(nil)
    context.threads.parallelFor((layout.rows + step - 1) / step) { index in
      let rows = index * step..<min((index + 1) * step, layout.rows)
      do {
        try context.cancellation.check()
        try result.round(rows, of: bytes, type, rounding, context.kernels)
      } catch { failure.withLock { $0 = $0 ?? error } }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    return result
  }

  private func round(
    _ rows: Range<Int>, of bytes: OwnedBytes, _ type: ElementType, _ rounding: FeedbackRounding,
    _ kernels: KernelSet
  ) throws {
    let weights = FloatMatrix(uninitializedRows: rows.count, columns: layout.columns)
    let rowBytes = bytes.count / layout.rows
    let floats = UnsafeMutableBufferPointer(start: weights.pointer, count: weights.count)
    let source = bytes.unpinned[rows.lowerBound * rowBytes..<rows.upperBound * rowBytes]
    try kernels.convert(UnsafeRawBufferPointer(rebasing: source), of: type, to: floats)
    let first = rows.lowerBound * layout.groupCount
    for panel in stride(from: 0, to: rows.count, by: PanelLayout.panelRows) {
      try chooseScales(
        weights.sharedRows(panel..<min(panel + PanelLayout.panelRows, rows.count)),
        firstRow: rows.lowerBound + panel, kernels)
    }
    let count = rows.count * layout.groupCount
    rounding.round(
      weights, scales: Array(UnsafeBufferPointer(start: scales + first, count: count)),
      zeros: layout.codes.hasZeroPoints ? Array(UnsafeBufferPointer(start: zeros + first, count: count)) : [],
      into: codes + rows.lowerBound * layout.columns)
  }

  /// Notes scales and zero points that have the least squared error for some rows of a panel.
  private func chooseScales(_ weights: FloatMatrix, firstRow: Int, _ kernels: KernelSet) throws {
    try withUnsafeTemporaryAllocation(byteCount: layout.panelBytes, alignment: 64) { panel in
      _ = try kernels.quantize(
        UnsafeBufferPointer(start: weights.pointer, count: weights.count), layout: layout,
        choosing: .leastSquares, into: panel)
      for row in 0..<weights.rows {
        for group in 0..<layout.groupCount {
          let place = (firstRow + row) * layout.groupCount + group
          let bits = panel.loadUnaligned(
            fromByteOffset: layout.scaleOffset(row: row, group: group), as: UInt16.self)
          scales[place] = Float(Float16(bitPattern: UInt16(littleEndian: bits)))
          guard layout.codes.hasZeroPoints else { continue }
          zeros[place] = panel[layout.zeroOffset(row: row, group: group)]
        }
      }
    }
  }

  func quantize(
    _ weights: UnsafeBufferPointer<Float>, firstRow: Int, layout: PanelLayout, kernels: KernelSet,
    into panel: UnsafeMutableRawBufferPointer
  ) throws -> PanelError {
    let rows = weights.count / layout.columns
    let groups = UnsafeBufferPointer(
      start: scales + firstRow * layout.groupCount, count: rows * layout.groupCount)
    let zeroPoints = UnsafeBufferPointer(
      start: zeros + firstRow * layout.groupCount,
      count: layout.codes.hasZeroPoints ? rows * layout.groupCount : 0)
    try kernels.pack(
      codes: UnsafeBufferPointer(start: codes + firstRow * layout.columns, count: weights.count),
      scales: groups, zeros: zeroPoints, layout: layout, into: panel)
    return try PanelError(of: panel, weights: weights, layout: layout, kernels: kernels)
  }
}

extension PanelError {
  /// What a panel lost, measured on what it decodes to.
  ///
  /// - Parameters:
  ///   - panel: the bytes of one panel.
  ///   - weights: `[rows, layout.columns]`, what it was made of.
  /// - Throws: `CogError` when the sizes do not match.
  init(
    of panel: UnsafeMutableRawBufferPointer, weights: UnsafeBufferPointer<Float>, layout: PanelLayout,
    kernels: KernelSet
  ) throws {
    self.init()
    let rows = weights.count / layout.columns
    let one = try PanelLayout(encoding: layout.encoding, rows: rows, columns: layout.columns)
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: weights.count) { values in
      try kernels.dequantize(UnsafeRawBufferPointer(panel), layout: one, rows: 0..<rows, into: values)
      for row in 0..<rows {
        for group in 0..<layout.groupCount {
          let first = row * layout.columns + group * layout.groupSize
          let end = row * layout.columns + min((group + 1) * layout.groupSize, layout.columns)
          add(row, group, first..<end, weights, values)
        }
      }
    }
  }

  private mutating func add(
    _ row: Int, _ group: Int, _ range: Range<Int>, _ weights: UnsafeBufferPointer<Float>,
    _ values: UnsafeMutableBufferPointer<Float>
  ) {
    var (error, squares) = (0.0, 0.0)
    for index in range {
      let difference = Double(weights[index]) - Double(values[index])
      error += difference * difference
      squares += Double(weights[index]) * Double(weights[index])
    }
    squaredError += error
    squaredSum += squares
    let relative = squares > 0 ? (error / squares).squareRoot() : 0
    if relative > worstRelativeError { (worstRelativeError, worstRow, worstGroup) = (relative, row, group) }
  }
}
