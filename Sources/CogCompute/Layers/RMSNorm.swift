/// `LlamaRMSNorm` over the columns of each row: `x * rsqrt(mean(x^2) + epsilon) * weight`. Rounds once, after
/// the weight.
package struct RMSNorm: Sendable {
  private let weight: [Float]
  private let epsilon: Float
  private let compute: Compute

  /// A norm with a weight for each column, which is rounded here in bfloat16 mode.
  package init(weight: [Float], epsilon: Float, compute: Compute) {
    self.weight = compute.parameters(weight)
    self.epsilon = epsilon
    self.compute = compute
  }

  /// - Parameter x: `[tokens, columns]`; it is not changed.
  /// - Returns: the same shape.
  package func callAsFunction(_ x: FloatMatrix) -> FloatMatrix {
    precondition(weight.count == x.columns, "a norm has a weight for each column")
    let result = FloatMatrix(uninitializedRows: x.rows, columns: x.columns)
    compute.mapRows(of: x, to: result) {
      compute.kernels.table.pointee.rms_norm($0, weight, epsilon, $1, x.columns)
    }
    return result
  }
}
