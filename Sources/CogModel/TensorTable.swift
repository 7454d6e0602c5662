package import CogBase

/// The part of the model that a tensor belongs to.
package enum ModelPart: String, Sendable, CaseIterable, Codable {
  case embedding, language, head, vision, convolution, adapter
}

/// One tensor that the model must have.
package struct TensorSpecification: Equatable, Sendable {
  /// The full name, as in the published checkpoint.
  package let name: String
  /// The shape that the configuration asks for.
  package let shape: Shape
  /// The part of the model.
  package let part: ModelPart
  /// What it does.
  package let role: TensorRole
  /// The layer within the language model or the vision tower, or nil.
  package let layer: Int?
}

/// The one table of all tensors of the model: 1,029 at the published sizes.
///
/// Everything that needs a tensor's name asks here; no other place spells one.
/// Source: the published checkpoint's index, `modeling_cogvlm.py` and `visual.py`.
package struct TensorTable: Sendable {
  /// All tensors: the embedding, the language layers, norm and head, then the vision tower and the adapter.
  package let specifications: [TensorSpecification]
  private let indexByKey: [Key: Int]
  private let indexByName: [String: Int]

  private struct Key: Hashable {
    let role: TensorRole
    let layer: Int?
  }

  /// The table for a configuration.
  package init(_ configuration: ModelConfiguration) {
    specifications = Self.blocks.flatMap { block in
      block.repetition.layers(configuration).flatMap { layer in
        block.rows.map { row in
          TensorSpecification(
            name: row.name(layer: layer), shape: row.shape(configuration), part: row.part, role: row.role,
            layer: layer)
        }
      }
    }
    indexByKey = Dictionary(
      uniqueKeysWithValues: specifications.enumerated().map { (Key(role: $1.role, layer: $1.layer), $0) })
    indexByName = Dictionary(uniqueKeysWithValues: specifications.enumerated().map { ($1.name, $0) })
  }

  /// The specification of a tensor by what it does.
  package func specification(_ role: TensorRole, layer: Int? = nil) -> TensorSpecification? {
    indexByKey[Key(role: role, layer: layer)].map { specifications[$0] }
  }

  /// The specification of a tensor by its name, or nil when the model has no such tensor.
  package func specification(named name: String) -> TensorSpecification? {
    indexByName[name].map { specifications[$0] }
  }

  /// What the name of a tensor says, whatever the sizes of the model are; nil for a name that no model has.
  package static func meaning(of name: String) -> (part: ModelPart, role: TensorRole, layer: Int?)? {
    guard !name.contains(Row.layerSign) else { return nil }
    if let row = rowsByPattern[name] { return (row.part, row.role, nil) }
    var components = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard let place = components.firstIndex(where: { Int($0) != nil }), let layer = Int(components[place]),
      layer >= 0
    else { return nil }
    components[place] = Row.layerSign
    // Compared with the whole name, as there are other ways to write a number.
    guard let row = rowsByPattern[components.joined(separator: ".")], row.name(layer: layer) == name else {
      return nil
    }
    return (row.part, row.role, layer)
  }

  /// Whether a name ends as that of a tensor of the model does, in its last two components: other models of
  /// the family put something else in front.
  package static func hasEnding(of role: TensorRole, _ name: String) -> Bool {
    blocks.flatMap(\.rows).contains { row in
      row.role == role && name.hasSuffix(row.pattern.split(separator: ".").suffix(2).joined(separator: "."))
    }
  }

  private static let rowsByPattern = Dictionary(
    uniqueKeysWithValues: blocks.flatMap(\.rows).map { ($0.pattern, $0) })
}
