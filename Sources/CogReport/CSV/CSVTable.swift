/// A table as comma-separated values (RFC 4180, with a line feed at the end of each line): a line of titles,
/// then rows.
package struct CSVTable: Sendable {
  private let titles: [String]
  private var rows: [[String]] = []

  /// An empty table.
  package init(_ titles: [String]) { self.titles = titles }

  /// Adds a row. Cells that are missing at its end stay empty; cells beyond the last title are left out.
  package mutating func add(_ cells: [String]) {
    let padding = [String](repeating: "", count: max(0, titles.count - cells.count))
    rows.append(cells.prefix(titles.count) + padding)
  }

  /// The lines of the table, without a line end after the last one.
  ///
  /// A cell with a comma, a quote or a line end is put between quotes, its own quotes doubled. One that
  /// begins as a formula does in spreadsheets and is no number is put between quotes with a space in front:
  /// names come from files.
  package func rendered() -> String {
    ([titles] + rows).map { $0.map(Self.cell).joined(separator: ",") }.joined(separator: "\n")
  }

  /// A number with all its digits; nothing where there is none.
  static func number(_ value: Double?) -> String { value.map(NumberText.exact) ?? "" }

  private static func cell(_ text: String) -> String {
    var text = text
    if let first = text.first, "=+-@".contains(first), Double(text) == nil { text = " " + text }
    guard text.unicodeScalars.contains(where: { ",\"\n\r".unicodeScalars.contains($0) }) || text.first == " "
    else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
