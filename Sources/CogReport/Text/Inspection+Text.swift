import CogBase
package import CogInspect
import CogModel

extension Inspection {
  /// The inspection as plain text in aligned columns: every fact on its own line, in the order of the files,
  /// so that two listings can be compared line by line.
  ///
  /// - Parameters:
  ///   - withTensors: whether every tensor gets a line.
  ///   - withAllMetadata: whether metadata are given in full, those of the configuration too.
  package func listing(withTensors: Bool = true, withAllMetadata: Bool = false) -> String {
    var lines = [path.printable]
    lines += notes.map { "note: " + $0.printable }
    lines += ["", "Files", fileTable]
    let metadata = metadataLines(inFull: withAllMetadata)
    if !metadata.isEmpty { lines += ["", "Metadata"] + metadata }
    lines += ["", "Parts", partTable]
    if withTensors { lines += ["", "Tensors", tensorTable] }
    if let completeness { lines += ["", "Completeness"] + Self.completenessLines(completeness) }
    if let nonFinite { lines += ["", "Values"] + Self.valueLines(nonFinite) }
    if let zeros, !zeros.isEmpty {
      lines += ["", "Damage"] + zeros.map { "  \($0.name): \($0.problem)".printable }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var fileTable: String {
    var table = TextTable(
      [.number("file"), .text("name"), .text("kind"), .number("bytes")], hasTitles: false, indentation: 2)
    for (index, file) in files.enumerated() {
      table.add([
        "\(index + 1)", shortName(of: file), file.kind, NumberText.grouped(file.byteCount) + " bytes",
      ])
    }
    return table.rendered()
  }

  /// The name of a file in the folder that was inspected, else its path.
  private func shortName(of file: File) -> String {
    let folder = path.appendingPath("")
    return file.path.hasPrefix(folder) ? String(file.path.dropFirst(folder.count)) : file.path
  }

  private func metadataLines(inFull: Bool) -> [String] {
    let shown =
      inFull ? metadata : metadata.filter { !$0.key.hasPrefix("config.") && !$0.key.hasPrefix("recipe.") }
    return shown.sorted { $0.key < $1.key }.map { key, value in
      let text = value.printable
      return "  \(key.printable): " + (text.count > 100 && !inFull ? text.prefix(97) + "..." : text)
    }
  }

  private var partTable: String {
    var table = TextTable(
      [
        .text("part"), .number("tensors"), .number("parameters"), .number("bytes"),
        .number("bits per weight"),
      ], indentation: 2)
    for part in parts + [total] {
      let counts = [part.tensorCount, part.parameterCount, part.byteCount].map(NumberText.grouped)
      table.add([part.name] + counts + [NumberText.fixed(part.bitsPerWeight, decimals: 3)])
    }
    return table.rendered()
  }

  private var tensorTable: String {
    let placeByFile = Dictionary(files.enumerated().map { ($1.path, $0 + 1) }) { first, _ in first }
    var table = TextTable(
      [
        .text("name"), .text("role"), .text("type"), .text("shape"), .number("bytes"), .number("file"),
        .number("offset"),
      ], indentation: 2)
    for tensor in tensors {
      table.add([
        tensor.name, tensor.role?.name ?? "-", tensor.type.label, tensor.shape.description,
        NumberText.grouped(tensor.byteCount), placeByFile[tensor.file].map { "\($0)" } ?? "-",
        tensor.offset.map(NumberText.grouped) ?? "-",
      ])
    }
    return table.rendered()
  }

  private static func completenessLines(_ completeness: Completeness) -> [String] {
    let (found, expected) = (
      NumberText.grouped(completeness.foundCount), NumberText.grouped(completeness.expectedCount)
    )
    if completeness.isComplete { return ["  all \(expected) tensors of the model are there"] }
    return ["  \(found) tensors, expected \(expected)"] + completeness.problems.map { "  " + $0.printable }
  }

  private static func valueLines(_ nonFinite: [NonFinite]) -> [String] {
    guard !nonFinite.isEmpty else { return ["  all values that were looked at are finite"] }
    return nonFinite.map { tensor in
      let (nan, infinite) = (NumberText.grouped(tensor.nan), NumberText.grouped(tensor.infinite))
      return "  \(tensor.name.printable): \(nan) NaN, \(infinite) infinite"
    }
  }
}
