extension TensorTable {
  /// The name under which the input of a linear layer is known: that of the layer's weight, or of the first
  /// one's that shares the input (``TensorRole/inputRole``). A name that no model has stays as it is.
  package static func inputName(of weight: String) -> String {
    guard let (_, role, layer) = meaning(of: weight), role.inputRole != role,
      let row = blocks.flatMap(\.rows).first(where: { $0.role == role.inputRole })
    else { return weight }
    return row.name(layer: layer)
  }
}

extension TensorRole {
  /// Whether the tensor is the weight of a linear layer under whose name the layer's input is known.
  package var isInput: Bool { isMatrix && self != .tokenEmbedding && inputRole == self }
}
