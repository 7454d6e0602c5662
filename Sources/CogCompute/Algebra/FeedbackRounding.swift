import CKernels
import CogBase
package import CogModel

/// Rows of weights that are rounded column by column, each in view of the errors of those before (GPTQ,
/// Frantar et al. 2022, in the form of Babai's nearest plane; `CogFeedback.h`).
package struct FeedbackRounding {
  /// The factor L of the inputs' second moments, `[columns, columns]`, its rows and columns in the order of
  /// ``places``.
  private let factor: FloatMatrix
  /// The columns of the weights in the order of the factor, the last one is rounded first, and the group of
  /// each.
  private let places, groups: [UInt32]
  private let layout: PanelLayout
  private let kernels: KernelSet

  /// Rows that one call of ``round(_:scales:zeros:into:)`` should have, to pay for reading the factor.
  package static let preferredRows = 128
  private static let block = Int(COG_FEEDBACK_COLUMNS)

  /// - Parameters:
  ///   - factor: what ``CholeskyFactor`` makes of the second moments, rows and columns ordered as `order`.
  ///   - order: which column stands where in the factor: a permutation of all of them.
  ///   - layout: the layout of the tensor.
  package init(factor: FloatMatrix, order: [Int], layout: PanelLayout, kernels: KernelSet) {
    precondition(
      factor.rows == layout.columns && factor.columns == layout.columns && order.count == layout.columns)
    (self.factor, self.layout, self.kernels) = (factor, layout, kernels)
    places = order.map(UInt32.init)
    groups = order.map { UInt32($0 / layout.groupSize) }
  }

  /// Rounds some rows.
  ///
  /// - Parameters:
  ///   - weights: `[rows, columns]`, finite.
  ///   - scales: `[rows, groups]`; a group of scale 0 is all zeros.
  ///   - zeros: zero points likewise; empty for none.
  ///   - codes: room for `[rows, columns]`.
  package func round(
    _ weights: FloatMatrix, scales: [Float], zeros: [UInt8], into codes: UnsafeMutablePointer<Int8>
  ) {
    let (rows, columns) = (weights.rows, weights.columns)
    let ordered = FloatMatrix(uninitializedRows: rows, columns: columns)
    for row in 0..<rows {
      let (source, target) = (weights.row(row), ordered.row(row))
      for place in 0..<columns { target[place] = source[Int(places[place])] }
    }
    let errors = FloatMatrix(uninitializedRows: rows, columns: columns)
    let sums = FloatMatrix(uninitializedRows: rows, columns: Self.block)
    // The last block may be short: it is done first, whole blocks follow.
    let starts = stride(from: 0, to: columns, by: Self.block).reversed()
    for first in starts {
      let end = min(first + Self.block, columns)
      addFeedback(of: errors, from: end, to: first..<end, into: sums)
      for row in stride(from: 0, to: rows, by: PanelLayout.panelRows) {
        let tile = row..<min(row + PanelLayout.panelRows, rows)
        roundTile(
          Tile(weights: ordered, sums: sums, errors: errors, rows: tile, columns: first..<end),
          scales: scales, zeros: zeros, into: codes)
      }
    }
  }

  /// What the errors of the columns from `end` on ask of a block of columns.
  private func addFeedback(
    of errors: FloatMatrix, from end: Int, to block: Range<Int>, into sums: FloatMatrix
  ) {
    let columns = layout.columns
    guard end < columns else {
      sums.pointer.update(repeating: 0, count: sums.count)
      return
    }
    BLAS.multiply(
      .init(errors.pointer + end, stride: columns),
      by: .init(factor.pointer + end * columns + block.lowerBound, stride: columns),
      m: errors.rows, n: block.count, k: columns - end, into: sums.pointer, stride: sums.columns)
  }

  private struct Tile {
    let weights, sums, errors: FloatMatrix
    let rows, columns: Range<Int>
  }

  private func roundTile(
    _ tile: Tile, scales: [Float], zeros: [UInt8],
    into codes: UnsafeMutablePointer<Int8>
  ) {
    let (columns, first, row) = (layout.columns, tile.columns.lowerBound, tile.rows.lowerBound)
    places.withUnsafeBufferPointer { places in
      groups.withUnsafeBufferPointer { groups in
        scales.withUnsafeBufferPointer { scales in
          zeros.withUnsafeBufferPointer { zeros in
            guard let place = places.baseAddress, let group = groups.baseAddress,
              let scale = scales.baseAddress
            else { return }
            let zero = zeros.isEmpty ? nil : zeros.baseAddress
            var block = CogFeedbackBlock(
              bits: UInt32(layout.codes.bits), rows: tile.rows.count, count: tile.columns.count,
              weights: tile.weights.pointer + row * columns + first, weight_stride: columns,
              sums: tile.sums.pointer + row * tile.sums.columns, sum_stride: tile.sums.columns,
              factor: factor.pointer + first * columns + first, factor_stride: columns,
              groups: group + first, scales: scale + row * layout.groupCount,
              zeros: zero.map { $0 + row * layout.groupCount }, group_count: layout.groupCount,
              columns: place + first, codes: codes + row * columns, code_stride: columns,
              errors: tile.errors.pointer + row * columns + first, error_stride: columns)
            let status = kernels.table.pointee.round_with_feedback(&block)
            precondition(status == COG_OK, "a block of a size that the kernels take")
          }
        }
      }
    }
  }
}
