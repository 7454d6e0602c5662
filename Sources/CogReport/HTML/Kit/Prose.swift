/// A heading of a section. A page with more than two has links to them at its top.
package struct Heading: PagePart {
  /// The words.
  package let text: String
  /// What links name the section by: lower-case words of ASCII letters and digits with hyphens.
  package var anchor: String {
    let words = text.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
    return "s-" + words.joined(separator: "-")
  }

  /// A heading. Headings of one page need different words for the links to tell them apart.
  package init(_ text: String) { self.text = text }

  /// The heading as HTML.
  package func markup() throws -> Markup { try Self.template.render(["anchor": anchor, "text": text]) }

  private static let template = Template(#"<h2 id="{{anchor}}">{{text}}</h2>"#)
}

/// A paragraph.
package struct Paragraph: PagePart {
  let text: String

  /// A paragraph of plain text.
  package init(_ text: String) { self.text = text }

  /// The paragraph as HTML.
  package func markup() throws -> Markup { try Self.template.render(["text": text]) }

  private static let template = Template("<p>{{text}}</p>")
}

/// What a reader must see first: whether all is well, and if not, where the fault lies.
package struct Verdict: PagePart {
  /// The outcome.
  package enum State: String, Sendable {
    /// All is as it should be.
    case passed
    /// Something needs attention.
    case warning
    /// Something is wrong.
    case failed
  }

  let state: State
  let text: String
  let details: [String]

  /// A verdict with further sentences below it.
  package init(_ state: State, _ text: String, details: [String] = []) {
    self.state = state
    self.text = text
    self.details = details
  }

  /// The verdict as HTML.
  package func markup() throws -> Markup {
    let sign =
      switch state {
      case .passed: "✓"
      case .warning: "!"
      case .failed: "✗"
      }
    return try Self.template.render(["state": state.rawValue, "sign": sign, "text": text, "details": details])
  }

  private static let template = Template(
    """
    <div class="verdict {{state}}" role="status"><strong>{{sign}} {{text}}</strong>\
    {{#details}}<p>{{.}}</p>{{/details}}</div>
    """)
}

/// Names with their values, such as file, mode and profile.
package struct Facts: PagePart {
  let facts: [(name: String, value: String)]

  /// Names with their values, in order.
  package init(_ facts: [(name: String, value: String)]) { self.facts = facts }

  /// The facts as HTML.
  package func markup() throws -> Markup {
    try Self.template.render(["facts": facts.map { ["name": $0.name, "value": $0.value] }])
  }

  private static let template = Template(
    #"<dl class="facts">{{#facts}}<div><dt>{{name}}</dt><dd>{{value}}</dd></div>{{/facts}}</dl>"#)
}

/// Pieces side by side where there is room, below each other where there is not.
package struct Columns: PagePart {
  let parts: [any PagePart]

  /// Pieces side by side.
  package init(_ parts: [any PagePart]) { self.parts = parts }

  /// The pieces as HTML.
  package func markup() throws -> Markup {
    try Self.template.render(["parts": Markup(try parts.map { try $0.markup() }).html])
  }

  private static let template = Template(#"<div class="columns">{{{parts}}}</div>"#)
}
