import CKernels
import CogBase

/// How finely activations are rounded where they meet quantized weights in ``ComputeMode/fast``.
package enum ActivationPrecision: Sendable {
  /// 8 bits in each group: one pass.
  case eightBits
  /// 8 bits, and what they left out in 8 bits again: two passes, for the few layers whose output is not a
  /// small addition to a residual stream.
  case sixteenBits
}

extension Compute {
  /// ``linear(_:_:bias:)`` with a choice of how finely the input is rounded in ``ComputeMode/fast``; the
  /// other modes do not round it, and a plain weight does not need it.
  ///
  /// - Throws: ``CogError`` as ``linear(_:_:bias:)``.
  package func linear(_ x: FloatMatrix, _ weight: WeightMatrix, precision: ActivationPrecision) throws
    -> FloatMatrix
  {
    guard mode == .fast, precision == .sixteenBits, let groupSize = weight.encoding.groupSize else {
      return try linear(x, weight)
    }
    let result = FloatMatrix(uninitializedRows: x.rows, columns: weight.rows)
    for first in stride(from: 0, to: x.rows, by: Self.sixteenBitTokens) {
      let tokens = first..<min(x.rows, first + Self.sixteenBitTokens)
      try multiplySixteenBits(
        x.sharedRows(tokens), weight, groupSize: groupSize, into: result.sharedRows(tokens))
    }
    return result
  }

  /// Tokens whose two passes are multiplied together, a whole number of tiles: their products take twice the
  /// room of the result.
  private static let sixteenBitTokens = 252

  private func multiplySixteenBits(
    _ x: FloatMatrix, _ weight: WeightMatrix, groupSize: Int, into result: FloatMatrix
  ) throws {
    // Both passes in one product: the weight is read once.
    let halves = FloatMatrix(uninitializedRows: 2 * x.rows, columns: x.columns)
    halves.pointer.update(from: x.pointer, count: x.count)
    let rest = halves.pointer + x.count
    threads.parallelFor(x.rows) { row in
      let place = row * x.columns
      kernels.table.pointee.rounding_rest(x.pointer + place, x.columns, groupSize, rest + place)
    }
    let products = try linear(halves, weight)
    result.pointer.update(from: products.pointer, count: result.count)
    add(result, products.sharedRows(x.rows..<2 * x.rows))
  }

  /// The outputs of linear layers that share their input, in order: as ``linear(_:_:precision:)`` for each
  /// weight. In ``ComputeMode/fast`` the input is rounded once and the threads share out all weights
  /// together.
  ///
  /// - Throws: ``CogError`` as ``linear(_:_:bias:)``.
  package func linear(_ x: FloatMatrix, _ weights: [WeightMatrix], precision: ActivationPrecision) throws
    -> [FloatMatrix]
  {
    let quantized = weights.compactMap { QuantizedWeight($0) }
    guard mode == .fast, precision == .eightBits, x.rows <= Int32.max, quantized.count == weights.count,
      let first = quantized.first, quantized.allSatisfy(first.sharesInput),
      weights.allSatisfy({ $0.columns == x.columns })
    else {
      return try weights.map { try linear(x, $0, precision: precision) }
    }
    return multiplyQuantized(x, quantized)
  }
}
