import CogBase
import Glibc

/// Which tensors are meant: by name, part of the model and layer. A tensor is meant when it fits every
/// condition that is given.
package struct TensorFilter: Equatable, Sendable {
  /// Patterns of names, with `*`, `?` and `[...]` as in file names (`*` takes dots too); a name must fit one
  /// of them.
  package var names: [String]
  /// Parts of the model; a tensor must be in one of them.
  package var parts: [String]
  /// Numbers of layers, of the language model and the vision tower alike; tensors outside of layers do not
  /// fit.
  package var layers: ClosedRange<Int>?

  /// A filter that every tensor fits, but for the conditions that are given.
  package init(names: [String] = [], parts: [String] = [], layers: ClosedRange<Int>? = nil) {
    (self.names, self.parts, self.layers) = (names, parts, layers)
  }

  /// A range of layers as the command line spells it: `3`, or `0-7` with both ends included. Nil for anything
  /// else.
  package static func layers(_ text: String) -> ClosedRange<Int>? {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map {
      $0.allSatisfy(\.isNumber) ? Int($0) : nil
    }
    guard (1...2).contains(ends.count), let first = ends.first ?? nil, let last = ends.last ?? nil,
      first <= last
    else { return nil }
    return first...last
  }

  /// Whether no condition is given.
  package var takesAll: Bool { names.isEmpty && parts.isEmpty && layers == nil }

  /// Whether a tensor fits.
  ///
  /// - Parameters:
  ///   - name: its name.
  ///   - part: the part of the model that it belongs to.
  package func takes(name: String, part: String) -> Bool {
    guard names.isEmpty || names.contains(where: { fnmatch($0, name, 0) == 0 }) else { return false }
    guard parts.isEmpty || parts.contains(part) else { return false }
    guard let layers else { return true }
    return LayerName(tensor: name).map { layers.contains($0.index) } ?? false
  }

  /// The tensors that fit.
  ///
  /// - Parameters:
  ///   - list: what to choose from.
  ///   - path: the source, for the error.
  ///   - key: the name and the part of an element.
  /// - Throws: ``CogError`` when conditions are given and nothing fits them: a slip of the pen must not pass
  ///   for a result.
  package func select<Element>(
    from list: [Element], of path: String, _ key: (Element) -> (name: String, part: String)
  ) throws -> [Element] {
    let selected = list.filter { element in
      let (name, part) = key(element)
      return takes(name: name, part: part)
    }
    if selected.isEmpty, !takesAll {
      var present: [String] = []
      for part in list.map({ key($0).part }) where !present.contains(part) { present.append(part) }
      throw CogError(
        "no tensor fits the filter", file: path, subject: description,
        expected: "parts among " + present.prefix(12).joined(separator: ", "),
        advice: "cogvlm inspect --tensors lists the names.")
    }
    return selected
  }
}

extension TensorFilter: CustomStringConvertible {
  /// The conditions as options of the command line.
  package var description: String {
    let layers = layers.map { ["--layers \($0.lowerBound)-\($0.upperBound)"] } ?? []
    return (names.map { "--name \($0)" } + parts.map { "--part \($0)" } + layers).joined(separator: " ")
  }
}
