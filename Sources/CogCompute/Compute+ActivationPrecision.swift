import CKernels

/// How finely activations are rounded where they meet quantized weights in ``ComputeMode/fast``.
package enum ActivationPrecision: Sendable {
  /// 8 bits in each group: one pass.
  case eightBits
  /// 8 bits, and what they left out in 8 bits again: two passes, for the few layers whose output is not a
  /// small addition to a residual stream.
  case sixteenBits
}

extension Compute {
  /// Tokens whose two passes are multiplied together, whole tiles of 4, 12 or 16 tokens: their products take
  /// twice the room of the result.
  private static let sixteenBitTokens = 240

  /// As ``multiplyQuantized(_:_:)`` for one weight, with the input rounded to 16 bits.
  func multiplySixteenBits(_ x: FloatMatrix, _ weight: QuantizedWeight) -> FloatMatrix {
    let result = FloatMatrix(uninitializedRows: x.rows, columns: weight.layout.rows)
    for first in stride(from: 0, to: x.rows, by: Self.sixteenBitTokens) {
      let tokens = first..<min(x.rows, first + Self.sixteenBitTokens)
      multiplySixteenBits(x.sharedRows(tokens), weight, into: result.sharedRows(tokens))
    }
    return result
  }

  private func multiplySixteenBits(_ x: FloatMatrix, _ weight: QuantizedWeight, into result: FloatMatrix) {
    // Both passes in one product: the weight is read once.
    let halves = FloatMatrix(uninitializedRows: 2 * x.rows, columns: x.columns)
    halves.store(x, at: 0)
    let rest = halves.pointer + x.count
    threads.parallelFor(x.rows) { row in
      let place = row * x.columns
      kernels.table.pointee.rounding_residual(
        x.pointer + place, x.columns, weight.layout.groupSize, rest + place)
    }
    // The bias belongs to the sum of both.
    let products = multiplyQuantized(halves, [weight.withoutBias])[0]
    result.store(products.sharedRows(0..<x.rows), at: 0)
    add(products.sharedRows(x.rows..<2 * x.rows), to: result)
    guard let bias = weight.bias else { return }
    for token in 0..<result.rows { add(bias, to: result.sharedRows(token..<token + 1)) }
  }
}
