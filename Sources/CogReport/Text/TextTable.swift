import CogBase

/// A table in plain text: a line of titles, then the rows; columns two spaces apart, text aligned left and
/// numbers right.
package struct TextTable: Sendable {
  /// Where the cells of a column stand.
  package enum Alignment: Sendable {
    /// For text.
    case left
    /// For numbers.
    case right
  }

  /// A column's title and alignment.
  package struct Column: Sendable {
    /// What stands above the cells.
    package let title: String
    /// Where title and cells stand.
    package let alignment: Alignment
    /// The least width, so that tables of one kind look alike whatever their cells are.
    package let minimumWidth: Int

    /// A column of text.
    package static func text(_ title: String, minimumWidth: Int = 0) -> Column {
      Column(title: title, alignment: .left, minimumWidth: minimumWidth)
    }

    /// A column of numbers.
    package static func number(_ title: String) -> Column {
      Column(title: title, alignment: .right, minimumWidth: 0)
    }
  }

  private let columns: [Column]
  private let hasTitles: Bool
  private let indentation: String
  private var rows: [[String]] = []

  /// An empty table.
  ///
  /// - Parameters:
  ///   - hasTitles: whether the line of titles is shown.
  ///   - indentation: spaces in front of every line.
  package init(_ columns: [Column], hasTitles: Bool = true, indentation: Int = 0) {
    self.columns = columns
    self.hasTitles = hasTitles
    self.indentation = String(repeating: " ", count: indentation)
  }

  /// Adds a row. Cells that are missing at its end stay empty; cells beyond the last column are shown as
  /// text.
  package mutating func add(_ cells: [String]) { rows.append(cells) }

  /// The lines of the table, without spaces at their ends and without a line end after the last one.
  ///
  /// Control characters in cells are shown as escapes: names from a file cannot break the table or steer the
  /// terminal. A character counts as one place wide.
  package func rendered() -> String {
    let titles = hasTitles ? [columns.map(\.title)] : []
    let lines = (titles + rows).map { $0.map(\.printable) }
    let width = lines.map(\.count).max() ?? 0
    let widths = (0..<width).map { column in
      let least = column < columns.count ? columns[column].minimumWidth : 0
      return lines.map { column < $0.count ? $0[column].count : 0 }.reduce(least, max)
    }
    return lines.map { line(of: $0, widths) }.joined(separator: "\n")
  }

  private func line(of cells: [String], _ widths: [Int]) -> String {
    let padded = cells.enumerated().map { column, cell in
      let space = String(repeating: " ", count: widths[column] - cell.count)
      let isRight = column < columns.count && columns[column].alignment == .right
      return isRight ? space + cell : cell + space
    }
    let line = indentation + padded.joined(separator: "  ")
    return String(line[..<(line.lastIndex { $0 != " " }.map(line.index(after:)) ?? line.startIndex)])
  }
}
