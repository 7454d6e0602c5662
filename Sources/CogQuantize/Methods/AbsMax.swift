package import CogModel

/// Plain rounding to nearest: int4 between the least and the largest weight of a group, int8 up to its
/// largest magnitude. What other methods are compared with.
package struct AbsMax: QuantizationMethod {
  package let record = "rounding to nearest between the least and the largest weight"

  package init() {}

  package func quantizer(for slot: TensorSlot) -> any PanelQuantizer { KernelQuantizer(choice: .absmax) }
}
