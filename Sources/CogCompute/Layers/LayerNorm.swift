import CogBase

/// `torch.nn.LayerNorm` over the columns of each row. Rounds once.
package struct LayerNorm: Sendable {
  private let weight: [Float]
  private let bias: [Float]
  private let epsilon: Float
  private let compute: Compute

  /// A norm with a weight and a bias for each column, which are rounded here in bfloat16 mode.
  ///
  /// - Throws: ``CogError`` when the two have different sizes.
  package init(weight: [Float], bias: [Float], epsilon: Float, compute: Compute) throws {
    guard weight.count == bias.count else {
      throw CogError(
        "a norm's bias does not match its weight", expected: "\(weight.count) values", found: "\(bias.count)")
    }
    self.weight = compute.parameters(weight)
    self.bias = compute.parameters(bias)
    self.epsilon = epsilon
    self.compute = compute
  }

  /// - Parameters:
  ///   - x: `[tokens, columns]`; it is not changed.
  ///   - target: where the result goes, of the shape of `x`; a new matrix by default.
  @discardableResult
  package func callAsFunction(_ x: FloatMatrix, into target: FloatMatrix? = nil) -> FloatMatrix {
    precondition(weight.count == x.columns, "a norm has a weight for each column")
    let result = target ?? FloatMatrix(uninitializedRows: x.rows, columns: x.columns)
    compute.mapRows(of: x, to: result) {
      compute.kernels.table.pointee.layer_norm($0, weight, bias, epsilon, $1, x.columns)
    }
    return result
  }
}
