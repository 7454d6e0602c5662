/// `fc2(gelu(fc1(x)))`, an MLP without a gate.
///
/// In ``ComputeMode/fast``, with int4 weights and many tokens, the features between the layers are quantized
/// where they are computed, and never are in memory as float32; the result has the same bits.
package struct GELUMLP: Sendable {
  private let fc1: Linear
  private let fc2: Linear
  private let chain: QuantizedChain?

  /// - Throws: `CogError` when the second layer does not take what the first one gives.
  package init(fc1: Linear, fc2: Linear) throws {
    guard fc1.rows == fc2.columns else { throw fc2.mismatch(fc1.rows) }
    self.fc1 = fc1
    self.fc2 = fc2
    chain = QuantizedChain(fc1, fc2)
  }

  /// - Parameter x: `[tokens, fc1.columns]`.
  /// - Returns: `[tokens, fc2.rows]`.
  package func callAsFunction(_ x: FloatMatrix) -> FloatMatrix {
    precondition(
      x.columns == fc1.columns && x.rows <= Int32.max, "an input of a linear layer fits its weight")
    if let chain, let result = fc1.compute.multiply(x, chain) { return result }
    let features = fc1(x)
    fc1.compute.gelu(features)
    return fc2(features)
  }
}
