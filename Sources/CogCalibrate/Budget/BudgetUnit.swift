import CogBase
import CogModel
import CogQuantize

/// Linear layers that get one encoding, since they are computed together: those that share their input, and
/// the two of the tower's MLP, between which 8-bit features are handed on (`QuantizedChain`).
struct BudgetUnit: Equatable, Sendable {
  /// The part of the model that they belong to.
  let part: ModelPart
  /// The weights, one at least.
  let tensors: [TensorSpecification]

  /// The linear layers of a model but embedding table and head, in the order of the table.
  ///
  /// - Parameter recipe: tensors with an exception are left out.
  static func all(_ table: TensorTable, recipe: QuantizationRecipe) -> [BudgetUnit] {
    var order: [Key] = []
    var members: [Key: [TensorSpecification]] = [:]
    for tensor in table.specifications
    where tensor.isBudgeted && !recipe.hasException(for: tensor) {
      let key = Key(part: tensor.part, role: tensor.role.unitRole, layer: tensor.layer)
      if members[key] == nil { order.append(key) }
      members[key, default: []].append(tensor)
    }
    return order.map { BudgetUnit(part: $0.part, tensors: members[$0] ?? []) }
  }

  /// Bytes of all its weights in an encoding.
  ///
  /// - Throws: `CogError` when they are too many to count.
  func byteCount(as encoding: TensorEncoding) throws -> Int {
    try tensors.reduce(0) {
      try Checked.add($0, encoding.byteCount(of: $1.shape), "bytes of linear layers")
    }
  }

  /// Its weights.
  var weightCount: Int { tensors.reduce(0) { $0 + $1.shape.elementCount } }

  private struct Key: Hashable {
    let part: ModelPart
    let role: TensorRole
    let layer: Int?
  }
}

extension TensorSpecification {
  /// Whether the tensor is the weight of a linear layer that a budget counts.
  var isBudgeted: Bool { role.isMatrix && part != .embedding && part != .head }
}

extension TensorRole {
  /// The first of the weights that get one encoding.
  fileprivate var unitRole: TensorRole { self == .visionMLPOut ? .visionMLPIn : inputRole }
}
