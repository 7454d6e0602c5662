/// An answer token by token: what the model chose, what the reference has there, and how sure the reference
/// was.
package struct TokenStrip: PagePart {
  /// One step of the answer.
  package struct Token: Sendable {
    /// Whether the choices agree.
    package enum State: String, Sendable {
      /// The same token.
      case equal
      /// Another token, which the error of the logits explains.
      case excused
      /// Another token, without excuse.
      case mismatch
    }

    /// The text of the token that the model chose.
    package let text: String
    /// Its id.
    package let id: Int
    /// Text and id of the reference's token.
    package let reference: (text: String, id: Int)
    /// The gap between the reference's two highest logits; nil where it is not known.
    package let gap: Double?
    /// Whether the choices agree.
    package let state: State
    /// What else is to be said, in a few letters.
    package let note: String?

    /// One step of the answer.
    package init(
      text: String, id: Int, reference: (text: String, id: Int), gap: Double?, state: State,
      note: String? = nil
    ) {
      self.text = text
      self.id = id
      self.reference = reference
      self.gap = gap
      self.state = state
      self.note = note
    }
  }

  let title: String
  let caption: String?
  let tokens: [Token]

  /// The steps of an answer in order.
  package init(title: String, caption: String? = nil, tokens: [Token]) {
    self.title = title
    self.caption = caption
    self.tokens = tokens
  }

  /// The strip as HTML.
  package func markup() throws -> Markup {
    try Self.template.render([
      "figureTitle": title, "caption": caption,
      "tokens": tokens.map { token in
        let word =
          switch token.state {
          case .equal: [String]()
          case .excused: ["≈ within error; reference \(Self.visible(token.reference.text))"]
          case .mismatch: ["✗ reference \(Self.visible(token.reference.text))"]
          }
        let gap = token.gap.map { NumberStyle.plain.text($0) } ?? "–"
        let tip =
          "chosen: \(token.id), reference: \(token.reference.id) "
          + "(\(Self.visible(token.reference.text))), gap \(gap)"
        return [
          "state": token.state.rawValue, "text": Self.visible(token.text), "words": word, "gap": gap,
          "tip": tip, "notes": token.note.map { [$0] } ?? [],
        ] as [String: Any]
      },
    ])
  }

  /// The text with signs for what cannot be seen.
  static func visible(_ text: String) -> String {
    guard !text.isEmpty else { return "∅" }
    return text.replacing(" ", with: "␣").replacing("\n", with: "⏎").replacing("\t", with: "⇥")
  }

  private static let template = Template(
    """
    <figure>
    <figcaption><h3>{{figureTitle}}</h3>{{#caption}}<p>{{.}}</p>{{/caption}}</figcaption>
    <ol class="tokens">
    {{#tokens}}<li class="{{state}}" title="{{tip}}"><span class="text code">{{text}}</span>\
    {{#words}}<span class="small state">{{.}}</span>{{/words}}<span class="small">gap {{gap}}</span>\
    {{#notes}}<span class="small">{{.}}</span>{{/notes}}</li>
    {{/tokens}}
    </ol>
    </figure>
    """)
}
