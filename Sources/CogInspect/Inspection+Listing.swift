import CogBase
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
    lines += ["", "Files"] + fileTable
    let metadata = metadataLines(inFull: withAllMetadata)
    if !metadata.isEmpty { lines += ["", "Metadata"] + metadata }
    lines += ["", "Parts"] + partTable
    if withTensors { lines += ["", "Tensors"] + tensorTable }
    if let completeness { lines += ["", "Completeness"] + Self.completenessLines(completeness) }
    if let nonFinite { lines += ["", "Values"] + Self.valueLines(nonFinite) }
    return lines.joined(separator: "\n") + "\n"
  }

  private var fileTable: [String] {
    let rows = files.enumerated().map { index, file in
      ["\(index + 1)", shortName(of: file).printable, file.kind, grouped(file.byteCount) + " bytes"]
    }
    return columns(rows, rightAligned: [0, 3])
  }

  /// The name of a file in the folder that was looked at, else its path.
  private func shortName(of file: File) -> String {
    let folder = path.hasSuffix("/") ? path : path + "/"
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

  private var partTable: [String] {
    let rows = (parts + [total]).map { part in
      [
        part.name.printable, grouped(part.tensorCount), grouped(part.parameterCount),
        grouped(part.byteCount),
        fixed(part.bitsPerWeight, decimals: 3),
      ]
    }
    return columns(
      [["part", "tensors", "parameters", "bytes", "bits per weight"]] + rows, rightAligned: [1, 2, 3, 4])
  }

  private var tensorTable: [String] {
    let placeByFile = Dictionary(files.enumerated().map { ($1.path, $0 + 1) }) { first, _ in first }
    let rows = tensors.map { tensor in
      [
        tensor.name.printable, tensor.role ?? "-", tensor.type, tensor.shape.description,
        grouped(tensor.byteCount),
        placeByFile[tensor.file].map { "\($0)" } ?? "-", tensor.offset.map(grouped) ?? "-",
      ]
    }
    return columns(
      [["name", "role", "type", "shape", "bytes", "file", "offset"]] + rows, rightAligned: [4, 5, 6])
  }

  private static func completenessLines(_ completeness: Completeness) -> [String] {
    if completeness.isComplete {
      return ["  all \(grouped(completeness.expectedCount)) tensors of the model are there"]
    }
    let count =
      "  \(grouped(completeness.foundCount)) tensors, expected \(grouped(completeness.expectedCount))"
    return [count] + completeness.problems.map { "  " + $0.printable }
  }

  private static func valueLines(_ nonFinite: [NonFinite]) -> [String] {
    guard !nonFinite.isEmpty else { return ["  all values that were looked at are finite"] }
    return nonFinite.map { tensor in
      "  \(tensor.name.printable): \(grouped(tensor.nan)) NaN, \(grouped(tensor.infinite)) infinite"
    }
  }
}

/// Rows of cells as lines, each column as wide as its widest cell, indented by two.
private func columns(_ rows: [[String]], rightAligned: Set<Int>) -> [String] {
  let count = rows.map(\.count).max() ?? 0
  let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
  return rows.map { row in
    let cells = row.enumerated().map { column, cell in
      let fill = String(repeating: " ", count: widths[column] - cell.count)
      return rightAligned.contains(column) ? fill + cell : cell + fill
    }
    let line = "  " + cells.joined(separator: "  ")
    return String(line.reversed().drop { $0 == " " }.reversed())
  }
}

/// A whole number with a comma after every three digits.
func grouped(_ number: Int) -> String {
  var digits: [Character] = []
  for (index, digit) in String(number.magnitude).reversed().enumerated() {
    if index > 0 && index.isMultiple(of: 3) { digits.append(",") }
    digits.append(digit)
  }
  return (number < 0 ? "-" : "") + String(digits.reversed())
}

/// A number of 0 or more with a fixed number of decimals.
private func fixed(_ value: Double, decimals: Int) -> String {
  let scale = (0..<decimals).reduce(1) { scale, _ in scale * 10 }
  let scaled = Int((min(value, 1e9) * Double(scale)).rounded())
  let fraction = String(scaled % scale)
  return "\(scaled / scale)." + String(repeating: "0", count: decimals - fraction.count) + fraction
}
