package import CogModel

/// Which layers have which encoding: a row for each kind of linear layer, a column for each encoding, and in
/// the cells the numbers of the layers.
package struct EncodingChoices {
  /// The encodings that occur, the smallest first.
  let encodings: [String]
  /// The rows: the name without the layer's number, and a cell for each encoding.
  let rows: [(name: String, cells: [String])]

  /// Choices of tensors by name; names that no model has are left out.
  package init(_ tensors: [(name: String, encoding: TensorEncoding)]) {
    var names: [String] = []
    var layers: [String: [TensorEncoding: [Int?]]] = [:]
    for (name, encoding) in tensors {
      guard let meaning = TensorTable.meaning(of: name) else { continue }
      let kind = meaning.layer.map { name.replacing(".\($0).", with: ".*.", maxReplacements: 1) } ?? name
      if layers[kind] == nil { names.append(kind) }
      layers[kind, default: [:]][encoding, default: []].append(meaning.layer)
    }
    let found = Set(tensors.map(\.encoding)).sorted {
      ($0.bits, -($0.groupSize ?? 0), $0.label) < ($1.bits, -($1.groupSize ?? 0), $1.label)
    }
    encodings = found.map(\.label)
    rows = names.map { name in
      (name, found.map { Self.text(layers[name]?[$0] ?? []) })
    }
  }

  /// `0-3, 7`; a mark for a layer that has no number.
  private static func text(_ layers: [Int?]) -> String {
    if layers.contains(nil) { return "x" }
    var runs: [ClosedRange<Int>] = []
    for layer in layers.compactMap({ $0 }).sorted() {
      if let last = runs.last, last.upperBound + 1 == layer {
        runs[runs.count - 1] = last.lowerBound...layer
      } else {
        runs.append(layer...layer)
      }
    }
    return runs.map { $0.count > 1 ? "\($0.lowerBound)-\($0.upperBound)" : "\($0.lowerBound)" }
      .joined(separator: ", ")
  }

  /// As text, for a terminal.
  var textTable: TextTable {
    var table = TextTable([.text("layers")] + encodings.map { .text($0) })
    for row in rows { table.add([row.name] + row.cells) }
    return table
  }

  /// As a part of a page.
  var dataTable: DataTable {
    var table = DataTable(
      title: "Encodings of the linear layers", caption: "Layers by number; x where there is one alone.",
      columns: [.code("weights")] + encodings.map { .text($0) })
    for row in rows { table.add(([row.name] + row.cells).map { .text($0) }) }
    return table
  }
}
