/// A table that can be sorted by any column and searched. Without a script it shows all rows in the order
/// given.
package struct DataTable: PagePart {
  /// What a cell's text says about itself, shown by color besides the text.
  package enum State: String, Sendable {
    /// Nothing.
    case plain = ""
    /// It is as it should be.
    case passed
    /// It needs attention.
    case warning
    /// It is out of what is allowed.
    case failed
    /// There is nothing here.
    case muted
  }

  /// A column's title and kind.
  package struct Column: Sendable {
    let title: String
    let kind: Kind

    enum Kind {
      case text, code, prose, number
    }

    /// Words.
    package static func text(_ title: String) -> Column { Column(title: title, kind: .text) }
    /// Names, ids, options, in a face of one width.
    package static func code(_ title: String) -> Column { Column(title: title, kind: .code) }
    /// Sentences that may run over several lines.
    package static func prose(_ title: String) -> Column { Column(title: title, kind: .prose) }
    /// Numbers: aligned right and sorted by value.
    package static func number(_ title: String) -> Column { Column(title: title, kind: .number) }
  }

  /// One cell.
  package struct Cell: Sendable {
    let text: String
    let key: String?
    let state: State

    /// Words, sorted as they are.
    package static func text(_ text: String, _ state: State = .plain) -> Cell {
      Cell(text: text, key: text, state: state)
    }

    /// A number, sorted by its value; nil is shown as a dash and sorted to the end.
    package static func number(_ value: Double?, _ style: NumberStyle = .plain, _ state: State = .plain)
      -> Cell
    {
      guard let value else { return Cell(text: "–", key: nil, state: .muted) }
      // NaN is the worst that a measure can be.
      let key = value.isFinite ? "\(value)" : (value < 0 ? "-Infinity" : "Infinity")
      return Cell(text: style.text(value), key: key, state: state)
    }
  }

  let title: String
  let caption: String?
  let columns: [Column]
  private var rows: [(cells: [Cell], isFault: Bool)] = []

  /// A table without rows.
  package init(title: String, caption: String? = nil, columns: [Column]) {
    self.title = title
    self.caption = caption
    self.columns = columns
  }

  /// Adds a row with a cell for each column.
  ///
  /// - Parameter isFault: whether the row is pointed out.
  package mutating func add(_ cells: [Cell], isFault: Bool = false) { rows.append((cells, isFault)) }

  /// The table as HTML.
  package func markup() throws -> Markup {
    try Self.template.render([
      "tableTitle": title, "caption": caption, "isSearchable": rows.count > 8,
      "columns": columns.map { ["head": $0.title, "isNumber": $0.kind == .number] },
      "rows": rows.map { row in
        ["isFault": row.isFault, "cells": zip(row.cells, columns).map(Self.cell)] as [String: Any]
      },
    ])
  }

  private static func cell(_ cell: Cell, _ column: Column) -> [String: Any] {
    let kind =
      switch column.kind {
      case .text: ""
      case .code: "code"
      case .prose: "wrap"
      case .number: "number"
      }
    return [
      "class": [kind, cell.state.rawValue].filter { !$0.isEmpty }.joined(separator: " "),
      "keys": cell.key.map { [$0] } ?? [], "cellText": cell.text,
    ]
  }

  private static let template = Template(
    """
    <div class="table">
    <h3>{{tableTitle}}</h3>{{#caption}}<p class="note">{{.}}</p>{{/caption}}
    {{#isSearchable}}<div class="tools" hidden><input type="search" placeholder="Search" \
    aria-label="Search {{tableTitle}}">\
    <span class="count" aria-live="polite"></span></div>{{/isSearchable}}
    <div class="scroll" tabindex="0"><table class="data">
    <thead><tr>{{#columns}}<th scope="col"{{#isNumber}} class="number"{{/isNumber}}>{{head}}</th>\
    {{/columns}}</tr></thead>
    <tbody>
    {{#rows}}<tr{{#isFault}} class="fault"{{/isFault}}>{{#cells}}<td class="{{class}}"\
    {{#keys}} data-key="{{.}}"{{/keys}}>{{cellText}}</td>{{/cells}}</tr>
    {{/rows}}
    </tbody>
    </table></div>
    </div>
    """)
}
