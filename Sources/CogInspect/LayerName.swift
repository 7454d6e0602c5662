/// A layer of the model as tensors' names say it: `model.layers.12`, which is also the name of its tap.
package struct LayerName: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// What stands before the number, such as `model.layers`.
  package let stack: String
  /// The number.
  package let index: Int

  /// The layer of a tensor or tap: its name up to the first component that is a number. Nil where there is
  /// none.
  package init?(tensor name: String) {
    let components = name.split(separator: ".", omittingEmptySubsequences: false)
    guard let place = components.firstIndex(where: { Int($0) != nil && $0.allSatisfy(\.isNumber) }),
      place > 0,
      let index = Int(components[place])
    else { return nil }
    stack = components[..<place].joined(separator: ".")
    self.index = index
  }

  /// `model.layers.12`.
  package var description: String { "\(stack).\(index)" }

  /// By stack, then by number.
  package static func < (a: LayerName, b: LayerName) -> Bool { (a.stack, a.index) < (b.stack, b.index) }
}
