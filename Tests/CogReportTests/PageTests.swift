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
    #expect(!html.contains("<img src=x"))
    #expect(!html.unicodeScalars.contains("\u{202E}"))
    #expect(
      html.contains("&quot;\u{301} onmouseover=alert(1) &lt;img src=x onerror=alert(2)&gt;&#39;\u{301}&amp;"))
    // Every quote of the name is escaped, wherever it stands: outside of the document no raw one is left.
    let body = try #require(html.split(separator: "<script type=\"application/json\"").first)
    let scalars = Array(body.unicodeScalars)
    for (quote, next) in zip(scalars, scalars.dropFirst()) where next == "\u{301}" {
      #expect(quote != "\"" && quote != "'")
    }
  }

  @Test("The document in the page is the JSON that it was made with, whatever its texts hold")
  func document() throws {
    let html = try ReportSamples.page(hostile: Self.hostile).html()
    #expect(!html.contains("</script><script>alert(1)"))
    let json = try #require(PageReading.document(of: html))
    let document = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    #expect(document["name"] as? String == "</script><script>alert(1)</script>" + Self.hostile)
    #expect(document["values"] as? [AnyHashable] == [1.5, "inf"])
  }

  @Test("A page names nothing outside of itself, and lets only its own script run")
  func selfContained() throws {
    let html = try ReportSamples.page().html()
    for outside in ["http:", "https:", "url(", "@import", "<link rel=\"stylesheet", "<iframe", " src=\"/"] {
      #expect(!html.contains(outside), "\(outside)")
    }
    #expect(html.contains("default-src 'none'; img-src data:;"))
    let hash = try #require(html.firstMatch(of: /script-src 'sha256-([A-Za-z0-9+\/]{43}=)'/))
    #expect(hash.1.count == 44)
    #expect(html.contains("prefers-color-scheme: dark"))
    #expect(html.contains("name=\"viewport\""))
  }

  @Test("Elements close in the order in which they were opened, and attribute values hold no markup")
  func wellFormed() throws {
    let html = try ReportSamples.page(hostile: Self.hostile).html()
    #expect(PageReading.unbalanced(html) == nil)
    #expect(!html.contains("{{") && !html.contains("}}"))
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
