import CogBase
import Mustache

/// HTML whose special characters are already escaped. Only templates and the kit's own constants make it, so
/// that a name from a file cannot turn into markup.
package struct Markup: Equatable, Sendable {
  /// The HTML text.
  package let html: String

  /// HTML as it stands; for constants of this target and for what a template gave.
  init(trusted html: String) { self.html = html }

  /// Several pieces in a row.
  init(_ pieces: [Markup]) { html = pieces.map(\.html).joined(separator: "\n") }

  /// Text with everything escaped that HTML gives a meaning to.
  init(text: String) { html = HTMLEscaping.escape(text) }
}

/// A Mustache template of the kit. `{{name}}` is escaped; `{{{name}}}` takes ``Markup`` only by convention of
/// the callers, who pass its `html`.
struct Template: Sendable {
  private let parsed: Result<MustacheTemplate, CogError>

  /// Parses a template, which is a constant of this target: one that is broken throws when it is rendered.
  init(_ text: String) {
    HTMLEscaping.register
    parsed = Result { try MustacheTemplate(string: "{{% CONTENT_TYPE:\(HTMLEscaping.name)}}" + text) }
      .mapError { CogError("a template of the reports is broken: \($0)", found: String(text.prefix(80))) }
  }

  /// Fills the template in. Keys whose value is nil count as absent.
  ///
  /// - Throws: `CogError` when the template is broken.
  func render(_ values: [String: Any?]) throws -> Markup {
    Markup(trusted: try parsed.get().render(values.compactMapValues { $0 }))
  }
}

/// Escapes text for HTML, one Unicode scalar at a time.
///
/// The library's own escaping goes by `Character` and so lets a quote pass that a combining mark follows; in
/// an attribute that quote would end the value. Control characters are shown as escapes.
struct HTMLEscaping: MustacheContentType {
  static let name = "COGVLM_HTML"
  static let register: Void = MustacheContentTypes.register(HTMLEscaping(), named: name)

  func escapeText(_ text: String) -> String { Self.escape(text) }

  static func escape(_ text: String) -> String {
    // Line ends are the only control characters with a use in a page: tooltips have several lines.
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in lines.joined(separator: "\n").unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
