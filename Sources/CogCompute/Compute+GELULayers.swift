import CKernels
import CogModel
import CogBase

/// A linear layer's weight and bias.
package struct LinearLayer {
  /// `[rows, columns]`.
  package let weight: WeightMatrix
  /// `[rows]`, or nil.
  package let bias: [Float]?

  /// A layer whose sizes are checked where it is used.
  package init(_ weight: WeightMatrix, bias: [Float]? = nil) {
    self.weight = weight
    self.bias = bias
  }
}

extension Compute {
  /// ``linear(_:_:bias:)``, ``gelu(_:)`` and another linear layer: an MLP without a gate.
  ///
  /// In ``ComputeMode/fast``, with int4 weights and many tokens, the features between the layers are
  /// quantized where they are computed, and never are in memory as float32; the result has the same bits.
  ///
  /// - Parameter x: `[tokens, inner.weight.columns]`.
  /// - Returns: `[tokens, outer.weight.rows]`.
  /// - Throws: ``CogError`` as ``linear(_:_:bias:)``.
  package func geluLayers(_ x: FloatMatrix, inner: LinearLayer, outer: LinearLayer) throws -> FloatMatrix {
    try checkSizes(tokens: x.rows, columns: x.columns, inner.weight, bias: inner.bias)
    try checkSizes(tokens: x.rows, columns: inner.weight.rows, outer.weight, bias: outer.bias)
    if let result = chain(x, inner: inner, outer: outer) { return result }
    let features = try linear(x, inner.weight, bias: inner.bias)
    gelu(features)
    return try linear(features, outer.weight, bias: outer.bias)
  }

  /// The layers where their kernels do both at once, or nil.
  private func chain(_ x: FloatMatrix, inner: LinearLayer, outer: LinearLayer) -> FloatMatrix? {
    guard mode == .fast,
      let first = QuantizedWeight(inner.weight, bias: inner.bias),
      let second = QuantizedWeight(outer.weight, bias: outer.bias), first.canChain(to: second),
      first.layout.groupCount <= COG_NEXT_MOST_GROUPS,
      first.kernels.product(kernels.table, x.rows).matmul_next != nil
    else { return nil }
    let activations = quantize(x, for: first)
    let features = emptyActivations(tokens: x.rows, for: second)
    let next = CogNextActivations(
      map: kernels.table.pointee.rough_gelu, tiles: features.tiles, group_count: second.layout.groupCount,
      padded_columns: second.layout.paddedColumns)
    let operands = ProductOperands(first, activations)
    let tokenBytes = features.tokenBytes
    shareOut([first], activations) { operands.multiply($0, into: next, nextTokenBytes: tokenBytes) }
    return multiply(features, [second])[0]
  }
}

extension QuantizedWeight {
  /// Whether there are kernels that quantize its products for the next weight (`CogProduct.matmul_next`).
  fileprivate func canChain(to next: QuantizedWeight) -> Bool {
    layout.encoding == next.layout.encoding && kernels.chainedGroupSizes.contains(layout.groupSize)
  }
}
