import CogTestSupport
import Foundation
import Testing

/// The documentation catalog.
@Suite struct CatalogTests {
  private static let folder = Fixtures.packageFolder.appending(path: "Sources/CogVLM/CogVLM.docc")
  static let articles = [
    "AddingAnInstructionSet", "AddingAnEncoding", "AddingAQuantizationMethod", "AddingAnOutputFormat",
    "AddingAModelPart",
  ]

  private static func page(_ name: String) throws -> String {
    try String(contentsOf: folder.appending(path: "\(name).md"), encoding: .utf8)
  }

  @Test("The landing page leads to every article and every public type, and to no other")
  func landing() throws {
    let page = try Self.page("CogVLM")
    let linked = page.matches(of: /<doc:(\w+)>/).map { String($0.1) }
    #expect(linked == Self.articles)
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted()
    #expect(files == (Self.articles + ["CogVLM"]).map { "\($0).md" }.sorted())
    let topics = page.split(separator: "## Topics").last ?? ""
    let listed = topics.matches(of: /- ``(\w+)``/).map { String($0.1) }
    #expect(listed.sorted() == (try Self.publicTypes().sorted()))
  }

  /// The public types at the top level of the target.
  private static func publicTypes() throws -> [String] {
    let sources = folder.deletingLastPathComponent()
    let names = try FileManager.default.contentsOfDirectory(atPath: sources.path)
    return try names.filter { $0.hasSuffix(".swift") }.flatMap { name in
      try String(contentsOf: sources.appending(path: name), encoding: .utf8)
        .matches(of: /(?m)^public (?:final )?(?:struct|class|enum|actor|protocol) (\w+)/).map { String($0.1) }
    }
  }

  @Test(
    "Every file that an article names is there; names in capitals stand for new ones", arguments: articles)
  func paths(_ article: String) throws {
    let page = try Self.page(article)
    #expect(page.hasPrefix("# Adding "))
    let named = page.matches(of: /`((?:Sources|Tests|Tools|Formats|Examples)\/[A-Za-z0-9_.+\/-]+)`/)
      .map { String($0.1) }
    #expect(named.count >= 3)
    for path in named where !path.contains(/NAME|WAY/) {
      let file = Fixtures.packageFolder.appending(path: path).path
      #expect(FileManager.default.fileExists(atPath: file), "\(article) names \(path)")
    }
  }

  @Test("An article's table of files has at most two beside the new ones", arguments: articles)
  func files(_ article: String) throws {
    let section = try #require(try Self.page(article).components(separatedBy: "\n## Files to touch\n").last)
    let rows = section.components(separatedBy: "\n## ")[0].split(separator: "\n")
      .filter { $0.hasPrefix("| `") }
    #expect(!rows.isEmpty && rows.contains { $0.contains("| new") })
    #expect(rows.count { !$0.contains("| new") } <= 2)
  }
}
