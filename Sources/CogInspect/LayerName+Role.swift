extension LayerName {
  /// What a tensor is in its layer: the rest of its name, such as `mlp.language_mlp.down_proj.weight`; the
  /// whole name where nothing follows the number, as in taps.
  package func role(of tensor: String) -> String {
    let prefix = "\(self)."
    return tensor.hasPrefix(prefix) ? String(tensor.dropFirst(prefix.count)) : tensor
  }
}

/// The tensors of a stack of layers as a grid, so that a tensor is seen beside those that do the same in
/// other layers.
package struct LayerGrid<Element> {
  /// What the tensors' names begin with, such as `model.layers`.
  package let stack: String
  /// The layers that have tensors, in order.
  package let layers: [LayerName]
  /// What the tensors are in their layers, in alphabetical order; empty for a tap, which is its layer.
  package let roles: [String]
  private let elements: [String: Element]

  /// The element of a role in a layer, or nil.
  package func element(_ role: String, _ layer: LayerName) -> Element? { elements["\(layer).\(role)"] }

  /// The stacks that the names of elements speak of, in alphabetical order; what is outside of layers is left
  /// out.
  ///
  /// - Parameter name: an element's name.
  package static func stacks(of list: [Element], name: (Element) -> String) -> [LayerGrid] {
    var stacks: [String: [(layer: LayerName, role: String, element: Element)]] = [:]
    for element in list {
      guard let layer = LayerName(tensor: name(element)) else { continue }
      let role = layer.role(of: name(element))
      stacks[layer.stack, default: []].append((layer, role == "\(layer)" ? "" : role, element))
    }
    return stacks.sorted { $0.key < $1.key }.map { stack, members in
      var roles: [String] = []
      // Files have no order that one could rely on: that of names is the same in every container.
      for role in members.map(\.role).sorted() where roles.last != role { roles.append(role) }
      return LayerGrid(
        stack: stack, layers: Set(members.map(\.layer)).sorted(), roles: roles,
        elements: Dictionary(members.map { ("\($0.layer).\($0.role)", $0.element) }) { first, _ in first })
    }
  }
}

extension LayerGrid: Sendable where Element: Sendable {}
