/// `down(silu(gate(x)) * up(x))`, the MLP of Llama and of the adapter.
package struct GatedMLP: Sendable {
  private let gateAndUp: LinearGroup
  private let down: Linear
  private let compute: Compute

  /// - Throws: `CogError` when a layer does not take what the one before it gives.
  package init(gate: Linear, up: Linear, down: Linear) throws {
    guard gate.rows == up.rows, gate.rows == down.columns else {
      throw down.mismatch(gate.rows == down.columns ? up.rows : gate.rows)
    }
    gateAndUp = try LinearGroup([gate, up])
    self.down = down
    compute = down.compute
  }

  /// - Parameter x: `[tokens, gate.columns]`.
  /// - Returns: `[tokens, down.rows]`.
  package func callAsFunction(_ x: FloatMatrix) -> FloatMatrix {
    let hidden = gateAndUp(x)
    compute.gate(hidden[0], by: hidden[1])
    return down(hidden[0])
  }
}
