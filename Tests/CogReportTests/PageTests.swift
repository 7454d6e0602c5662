import CogReport
import CogTestSupport
import Foundation
import Testing

@Suite struct PageTests {
  /// A quote that a combining mark follows is one character with it, and still ends an attribute in HTML.
  static let hostile = "\"\u{301} onmouseover=alert(1) <img src=x onerror=alert(2)>'\u{301}&\u{202E}"

  @Test("Names from files cannot become markup, also where a combining mark follows a quote")
  func escaping() throws {
    let html = try ReportSamples.page(hostile: Self.hostile).html()
    // In the document JSON's own rules hold; all else is markup.
    let body = try #require(html.components(separatedBy: "<script type=\"application/json\"").first)
    let (hasElement, hasMark) = (body.contains("<img src=x"), body.unicodeScalars.contains("\u{202E}"))
    #expect(!hasElement && !hasMark)
    let escaped =
      "&quot;\u{301} onmouseover=alert(1) &lt;img src=x onerror=alert(2)&gt;&#39;\u{301}&amp;\\u{202e}"
    let places = body.components(separatedBy: escaped).count - 1
    // Title twice, subtitle and fact; the token shows its spaces as signs.
    #expect(places == 4)
    let scalars = Array(body.unicodeScalars)
    let rawQuotes = zip(scalars, scalars.dropFirst()).count { ($0 == "\"" || $0 == "'") && $1 == "\u{301}" }
    #expect(rawQuotes == 0)
  }

  @Test("The document in the page is the JSON that it was made with, whatever its texts hold")
  func document() throws {
    let html = try ReportSamples.page(hostile: Self.hostile).html()
    let ends = html.contains("</script><script>alert(1)")
    #expect(!ends)
    let json = try #require(PageReading.document(of: html))
    let document = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    #expect(document["name"] as? String == "</script><script>alert(1)</script>" + Self.hostile)
    #expect(document["values"] as? [AnyHashable] == [1.5, "inf"])
  }

  @Test("A page names nothing outside of itself, and lets only its own script run")
  func selfContained() throws {
    let html = try ReportSamples.page().html()
    for outside in ["http:", "https:", "url(", "@import", "<link rel=\"stylesheet", "<iframe", " src=\"/"] {
      let isThere = html.contains(outside)
      #expect(!isThere, "\(outside)")
    }
    for wanted in ["default-src 'none'; img-src data:;", "prefers-color-scheme: dark", "name=\"viewport\""] {
      let isThere = html.contains(wanted)
      #expect(isThere, "\(wanted)")
    }
    let hash = try #require(html.firstMatch(of: /script-src 'sha256-([A-Za-z0-9+\/]{43}=)'/))
    #expect(hash.1.count == 44)
  }

  @Test("Elements close in the order in which they were opened, and attribute values hold no markup")
  func wellFormed() throws {
    let html = try ReportSamples.page(hostile: Self.hostile).html()
    #expect(PageReading.unbalanced(html) == nil)
    let hasTemplate = html.contains("{{") || html.contains("}}")
    #expect(!hasTemplate)
  }

  @Test(
    "A page with every piece is left for people to look at",
    .enabled(
      if: ProcessInfo.processInfo.environment["COGVLM_SAMPLE_PAGE"] != nil, "set COGVLM_SAMPLE_PAGE to a path"
    ))
  func samplePage() throws {
    let path = try #require(ProcessInfo.processInfo.environment["COGVLM_SAMPLE_PAGE"])
    try ReportSamples.page().write(to: path)
  }

  @Test("A page appears under its name when it is whole, and a folder that is not there is named")
  func writing() throws {
    let folder = try TemporaryFolder()
    try ReportSamples.page().write(to: folder.path("report.html"))
    #expect(try folder.contents() == ["report.html"])
    let error = #expect(throws: (any Error).self) {
      try ReportSamples.page().write(to: folder.path("missing/report.html"))
    }
    #expect("\(try #require(error))".contains("missing/report.html"))
  }
}

/// Looks into pages as text.
enum PageReading {
  /// The JSON of the element "document".
  static func document(of html: String) -> String? {
    let parts = html.components(separatedBy: "<script type=\"application/json\" id=\"document\">")
    guard parts.count == 2 else { return nil }
    return parts[1].components(separatedBy: "</script>")[0]
  }

  /// The first tag that does not fit the ones before it, or nil.
  static func unbalanced(_ html: String) -> String? {
    let void: Set<String> = ["meta", "link", "input", "img", "!DOCTYPE"]
    // Scripts and styles hold text that looks like tags and is none.
    let text = html.replacing(/<(script|style)[^>]*>[\s\S]*?<\/(script|style)>/, with: "")
    var open: [String] = []
    for match in text.matches(of: /<(\/?)([A-Za-z!][A-Za-z0-9]*)((?:[^<>"]|"[^"<]*")*)>/) {
      let name = String(match.2)
      if void.contains(name) || match.3.hasSuffix("/") { continue }
      if match.1.isEmpty {
        open.append(name)
      } else if open.popLast() != name {
        return String(match.0)
      }
    }
    return open.last
  }
}
