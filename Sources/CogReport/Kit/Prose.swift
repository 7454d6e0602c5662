/// A heading of a section. A page with more than two has links to them at its top.
public struct Heading: PagePart {
  /// The words.
  public let text: String
  /// What links name the section by: lower-case words of ASCII letters and digits with hyphens.
  public var anchor: String {
    let words = text.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
    return "s-" + words.joined(separator: "-")
  }

  /// A heading. Headings of one page need different words for the links to tell them apart.
  public init(_ text: String) { self.text = text }

  /// The heading as HTML.
  public func markup() throws -> Markup { try Self.template.render(["anchor": anchor, "text": text]) }

  private static let template = Template(#"<h2 id="{{anchor}}">{{text}}</h2>"#)
}

/// A paragraph.
public struct Paragraph: PagePart {
  let text: String

  /// A paragraph of plain text.
  public init(_ text: String) { self.text = text }

  /// The paragraph as HTML.
  public func markup() throws -> Markup { try Self.template.render(["text": text]) }

  private static let template = Template("<p>{{text}}</p>")
}

/// What a reader must see first: whether all is well, and if not, where the fault lies.
public struct Verdict: PagePart {
  /// The outcome.
  public enum State: String, Sendable {
    /// All is as it should be.
    case passed
    /// Something is to be looked at.
    case warning
    /// Something is wrong.
    case failed
  }

  let state: State
  let text: String
  let details: [String]

  /// A verdict with further sentences below it.
  public init(_ state: State, _ text: String, details: [String] = []) {
    self.state = state
    self.text = text
    self.details = details
  }

  /// The verdict as HTML.
  public func markup() throws -> Markup {
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
    <div class="verdict {{state}}" role="status"><strong>{{sign}} {{text}}</strong>{{#details}}<p>{{.}}</p>{{/details}}</div>
    """)
}

/// Names with their values, such as file, mode and profile.
public struct Facts: PagePart {
  let facts: [(name: String, value: String)]

  /// Names with their values, in order.
  public init(_ facts: [(name: String, value: String)]) { self.facts = facts }

  /// The facts as HTML.
  public func markup() throws -> Markup {
    try Self.template.render(["facts": facts.map { ["name": $0.name, "value": $0.value] }])
  }

  private static let template = Template(
    #"<dl class="facts">{{#facts}}<div><dt>{{name}}</dt><dd>{{value}}</dd></div>{{/facts}}</dl>"#)
}

/// Pieces side by side where there is room, below each other where there is not.
public struct Columns: PagePart {
  let parts: [any PagePart]

  /// Pieces side by side.
  public init(_ parts: [any PagePart]) { self.parts = parts }

  /// The pieces as HTML.
  public func markup() throws -> Markup {
    try Self.template.render(["parts": Markup(try parts.map { try $0.markup() }).html])
  }

  private static let template = Template(#"<div class="columns">{{{parts}}}</div>"#)
}
