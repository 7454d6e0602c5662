import CogModel
import Glibc

extension QuantizationRecipe.Override {
  /// Whether the pattern fits a name.
  func fits(_ name: String) -> Bool { fnmatch(pattern, name, 0) == 0 }

  /// Whether the exception changes a tensor.
  func applies(to tensor: TensorSpecification) -> Bool {
    tensor.role != .rotaryFrequencies && (tensor.role.isMatrix || !rule.isQuantized) && fits(tensor.name)
  }
}
