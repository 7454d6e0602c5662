import CogBase
import CogModel

extension Inspection {
  /// The inspection as plain text in aligned columns.
  ///
  /// - Parameter withTensors: whether every tensor gets a line.
  public func listing(withTensors: Bool = true) -> String {
    var lines = [path.printable]
    lines += notes.map { "note: " + $0.printable }
    lines += ["", "Files"] + fileTable
    if !metadata.isEmpty { lines += ["", "Metadata"] + metadataLines }
    lines += ["", "Parts"] + partTable
    if withTensors { lines += ["", "Tensors"] + tensorTable }
    if let completeness { lines += ["", "Completeness"] + Self.completenessLines(completeness) }
    return lines.joined(separator: "\n") + "\n"
  }

  private var fileTable: [String] {
    columns(files.map { [$0.path.printable, $0.kind, grouped($0.byteCount) + " bytes"] }, rightAligned: [2])
  }

  private var metadataLines: [String] {
    metadata.sorted { $0.key < $1.key }.map { key, value in
      let text = value.printable
      return "  \(key.printable): " + (text.count > 100 ? text.prefix(97) + "..." : text)
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
        tensor.name.printable, tensor.type, tensor.shape.description, grouped(tensor.byteCount),
        placeByFile[tensor.file].map { "\($0)" } ?? "-", tensor.offset.map(grouped) ?? "-",
      ]
    }
    return columns([["name", "type", "shape", "bytes", "file", "offset"]] + rows, rightAligned: [3, 4, 5])
  }

  private static func completenessLines(_ completeness: Completeness) -> [String] {
    if completeness.isComplete {
      return ["  all \(grouped(completeness.expectedCount)) tensors of the model are there"]
    }
    let count =
      "  \(grouped(completeness.foundCount)) tensors, expected \(grouped(completeness.expectedCount))"
    return [count] + completeness.problems.map { "  " + $0.printable }
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
