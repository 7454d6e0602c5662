package import CogModel

/// Scales and zero points of each group such that the squared error is least: the range of its weights,
/// narrower and wider ones, then least squares (`Formats/int4.md`, "How this toolkit chooses").
package struct LeastSquares: QuantizationMethod {
  package let record = "least squared error over scales and zero points"

  package init() {}

  package func quantizer(for slot: TensorSlot) -> any PanelQuantizer {
    KernelQuantizer(choice: .leastSquares)
  }
}
