import CKernels
import CogModel

/// Two quantized weights with a GELU between them, which some kernels multiply in one go.
struct QuantizedChain: Sendable {
  let first, second: QuantizedWeight

  /// Nil when no kernel can chain the two, because a group of the second one's input is no group of products,
  /// or somebody is to see what goes into them.
  init?(_ first: Linear, _ second: Linear) {
    guard !first.isObserved, !second.isObserved, first.precision == .eightBits,
      second.precision == .eightBits,
      let inner = first.quantized, let outer = second.quantized, inner.sharesProduct(with: outer),
      inner.layout.groupSize == COG_NEXT_ROWS, inner.layout.groupCount <= COG_NEXT_MOST_GROUPS
    else { return nil }
    (self.first, self.second) = (inner, outer)
  }
}

extension Compute {
  /// Both products of a chain, or nil where the kernels for so many tokens cannot do both at once.
  func multiply(_ x: FloatMatrix, _ chain: QuantizedChain) -> FloatMatrix? {
    let (first, second) = (chain.first, chain.second)
    guard first.product(tokens: x.rows).multiply_next != nil else { return nil }
    let activations = quantize(x, for: first)
    let features = QuantizedActivations(tokens: x.rows, for: second)
    let next = CogNextActivations(
      map: kernels.table.pointee.approximate_gelu, tiles: features.tiles,
      group_count: second.layout.groupCount, padded_columns: second.layout.paddedColumns)
    let operands = ProductOperands(first, activations)
    let tokenBytes = features.tokenBytes
    shareOut([first], activations) { operands.multiply($0, into: next, nextTokenBytes: tokenBytes) }
    return multiply(features, [second])[0]
  }
}
