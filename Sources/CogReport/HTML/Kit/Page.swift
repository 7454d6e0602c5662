package import CogBase
import Crypto
import Foundation

/// A piece of a page: a chart, a table, a paragraph.
package protocol PagePart: Sendable {
  /// The piece as HTML.
  ///
  /// - Throws: `CogError` when a template of the kit is broken.
  func markup() throws -> Markup
}

/// One self-contained HTML file: styles, script, charts and data in it, nothing fetched, light or dark as the
/// reader's system is, readable on a phone.
///
/// ```swift
/// var page = Page(title: "Verification", subtitle: model, document: report)
/// page.add(Verdict(.failed, "The first layer at fault is model.layers.1"))
/// page.add(Heading("Error along the layers"))
/// page.add(LineChart(title: "Relative L2", ...))
/// try page.write(to: "report.html")
/// ```
///
/// The JSON document that the command prints with `--json` is in the page too, in
/// `<script type="application/json" id="document">`, so that a page can be read by programs and compared in
/// tests.
package struct Page: Sendable {
  /// What stands at the top and in the window's title.
  package let title: String
  /// The line below: the files, the model, the options.
  package let subtitle: String?
  private let json: String
  private var parts: [any PagePart] = []

  /// An empty page.
  ///
  /// - Parameter document: what the command's `--json` prints.
  /// - Throws: `CogError` when the document cannot be encoded.
  package init(title: String, subtitle: String? = nil, document: some Encodable) throws {
    self.title = title
    self.subtitle = subtitle
    json = try JSONOutput.encode(document)
  }

  /// Adds a piece at the end.
  package mutating func add(_ part: some PagePart) { parts.append(part) }

  /// The whole file.
  ///
  /// - Throws: `CogError` when a template of the kit is broken.
  package func html() throws -> String {
    let headings = parts.compactMap { $0 as? Heading }
    let values: [String: Any?] = [
      "pageTitle": title, "subtitle": subtitle, "tool": Version.tool, "style": PageStyle.css,
      "script": PageScript.source, "scriptHash": Self.contentHash(of: PageScript.source),
      "body": Markup(try parts.map { try $0.markup() }).html,
      "links": headings.count > 2 ? headings.map { ["anchor": $0.anchor, "text": $0.text] } : [],
      "hasLinks": headings.count > 2,
      // Inside of a script element only "<" can end it or begin a comment; JSON has an escape for it.
      "json": json.unicodeScalars.reduce(into: "") { $0 += $1 == "<" ? "\\u003c" : String($1) },
    ]
    return try Self.template.render(values).html.shown
  }

  /// A page as an output. Each begins as the template does.
  package static let outputKind = OutputKind(
    "a page", endings: [".html", ".htm"], beginning: Array("<!DOCTYPE html>\n<html lang=\"en\">".utf8))

  /// Writes the page as a file that appears under its name when it is whole.
  ///
  /// - Throws: `CogError` when the file cannot be written.
  package func write(to path: String) throws {
    let text = try html()
    let file = try AtomicFile(path: path, kind: Self.outputKind)
    try file.write(Array(text.utf8))
    try file.commit()
  }

  /// How a content security policy names a script: only the kit's own script runs, whatever else gets into a
  /// page.
  private static func contentHash(of text: String) -> String {
    "sha256-" + Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString()
  }

  private static let template = Template(
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
    style-src 'unsafe-inline'; script-src '{{{scriptHash}}}'">
    <meta name="generator" content="{{tool}}">
    <link rel="icon" href="data:,">
    <title>{{pageTitle}}</title>
    <style>{{{style}}}</style>
    </head>
    <body>
    <header>
    <h1>{{pageTitle}}</h1>
    {{#subtitle}}<p class="subtitle">{{.}}</p>{{/subtitle}}
    {{#hasLinks}}<nav>{{#links}}<a href="#{{anchor}}">{{text}}</a>{{/links}}</nav>{{/hasLinks}}
    </header>
    <main>
    {{{body}}}
    </main>
    <footer>Made by {{tool}}. The data of this page as JSON is in its source, \
    in the element "document".</footer>
    <script type="application/json" id="document">{{{json}}}</script>
    <script>{{{script}}}</script>
    </body>
    </html>

    """)
}
