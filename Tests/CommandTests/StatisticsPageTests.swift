import CogTestSupport
import Foundation
import Testing

/// The pages of `cogvlm stats --html` and `cogvlm diff --html`.
@Suite struct StatisticsPageTests {
  private static let sample = Fixtures.path("sample/checkpoint")
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Runs a command with `--html` and `--json`; gives the page and what was printed.
  private func run(_ arguments: [String], status: Int32 = 0) throws -> (page: WrittenPage, document: String) {
    let path = folder.path("\(UUID().uuidString).html")
    let outcome = try Command.run(arguments + ["--json", "--html", path])
    try #require(outcome.status == status && outcome.errors == "", "\(outcome.errors)")
    return (try WrittenPage(path: path), outcome.output)
  }

  @Test("The page of statistics holds the document that is printed, and a row for each of its tensors")
  func statistics() throws {
    for arguments in [
      ["stats", Self.sample], ["stats", try SampleModel.int4.get(), "--part", "language"],
      [
        "stats", try SampleModel.float.get(), "--activations", "--ask", "What color is the circle?",
        "--video", SampleModel.video("v22_h264.mp4"),
      ],
    ] {
      let (page, output) = try run(arguments)
      #expect(page.document == output.trimmingCharacters(in: .newlines))
      let document = try #require(
        try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
      let isActivations = arguments.contains("--activations")
      let rows = try #require(page.tables[isActivations ? "Taps" : "Tensors"])
      let tensors = try #require(document["tensors"] as? [[String: Any]])
      #expect(rows.count == tensors.count)
      for tensor in tensors {
        let name = try #require(tensor["name"] as? String)
        let row = try #require(rows.first { $0.first?.text == name }, "\(name)")
        let figures = try #require(tensor["figures"] as? [String: Any])
        // Name and findings stand before the figures, in the order of the titles.
        #expect(row[2].key == (figures["count"] as? Double).map { "\($0)" }, "\(name)")
        for (column, key) in [(3, "minimum"), (4, "maximum"), (5, "mean"), (6, "standardDeviation")] {
          #expect(row[column].holds(figures[key] as? Double), "\(name) \(key)")
        }
        let percentiles = try #require(figures["percentiles"] as? [[String: Double]])
        #expect(zip(row[7..<12], percentiles).allSatisfy { $0.holds($1["value"]) }, "\(name)")
        #expect(row[17].holds(figures["entropyBits"] as? Double), "\(name)")
      }
      let layers = try #require(document["layers"] as? [[String: Any]]).compactMap { $0["name"] as? String }
      #expect(layers.count >= 4)
      // Each layer is a strip, and the tooltip has its whole name.
      for layer in layers { #expect(page.html.contains("<title>\(layer)\n"), "\(layer)") }
      #expect(page.verdict.hasPrefix("✓"))
    }
  }

  @Test("The page of a comparison holds the document that is printed, and a row for each of its tensors")
  func comparison() throws {
    let (page, output) = try run(["diff", try SampleModel.int4.get(), Self.sample, "--fail-over", "0.2"])
    #expect(page.document == output.trimmingCharacters(in: .newlines))
    let document = try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    let tensors = try #require(document["tensors"] as? [[String: Any]])
    let rows = try #require(page.tables["Tensors"])
    #expect(rows.count == tensors.count)
    for tensor in tensors {
      let name = try #require(tensor["name"] as? String)
      let row = try #require(rows.first { $0.first?.text == name }, "\(name)")
      #expect((row[1].text == "identical") == (tensor["isIdentical"] as? Bool), "\(name)")
      #expect(row[2].holds(tensor["relativeL2"] as? Double), "\(name)")
      #expect(row[4].holds(tensor["maxAbs"] as? Double), "\(name)")
      #expect(row[6].holds(tensor["cosine"] as? Double), "\(name)")
      let worst = tensor["worstGroup"] as? [String: Any]
      #expect(row[7].holds(worst?["relativeL2"] as? Double), "\(name)")
    }
    let total = try #require(document["total"] as? [String: Any])
    let counts = try #require(total["identicalCount"] as? Int)
    #expect(page.verdict.contains("\(counts) of \(tensors.count) tensors are equal to the bit"))
    #expect(page.verdict.hasPrefix("✓"))
  }

  @Test("A comparison over its limit says so at the top, and leaves with 1")
  func limit() throws {
    let page = try run(["diff", try SampleModel.int4.get(), Self.sample, "--fail-over", "0.05"], status: 1)
      .page
    #expect(page.verdict.hasPrefix("✗") && page.verdict.contains("over the limit of 0.05"))
    let worst = try #require(page.tables["Tensors"]?.first)
    #expect(worst[1].text.contains("over the limit"))
  }

  @Test("Faults stand at the top of both pages with their places", arguments: PlantedFault.allCases)
  func faults(_ fault: PlantedFault) throws {
    try fault.write(toFolder: folder.path("faulty"))
    let statistics = try run(["stats", folder.path("faulty")]).page
    let comparison = try run(["diff", folder.path("faulty"), Self.sample]).page
    let expected: (statistics: [String], comparison: [String])
    switch fault {
    case .notANumber:
      expected = (
        ["✗ 1 NaN among", "\(PlantedFault.gate): 1 NaN, the first at [37, 11]"],
        ["✗ 96 of 97", "\(PlantedFault.gate): 1 element is not finite on one side, the first at [37, 11]"]
      )
      // A cell of the map of scales, and the layer's strip.
      #expect(statistics.html.contains("class=\"hbad\"") && statistics.html.contains("✗ layer 1"))
      #expect(comparison.html.contains("stands out: layer 1"))
    case .scaledLayer:
      expected = (
        ["! All", "model.layers.2: 7 of its 8 tensors are"],
        ["! 90 of 97", "model.layers.2: 7 of its 8 tensors are 1.5 or 0.5 times the reference"]
      )
      #expect(statistics.html.contains("! layer 2") && comparison.html.contains("stands out: layer 2"))
    case .swapped:
      expected = ([], ["! 95 of 97", "swapped, each has the values of the other one"])
      #expect(comparison.verdict.contains(PlantedFault.gate) && comparison.verdict.contains(PlantedFault.up))
    case .zeroedGroups:
      expected = (
        [
          "! All",
          "\(PlantedFault.down): 12 groups of zeros, of 64 columns each, the first in row 100, columns 0–63",
        ],
        ["! 96 of 97", "\(PlantedFault.down): a group of it is zeros", "row 100, columns 0–63"]
      )
      #expect(statistics.html.contains("! layer 1") && comparison.html.contains("stands out: layer 1"))
    }
    for words in expected.statistics { #expect(statistics.verdict.contains(words), "\(statistics.verdict)") }
    for words in expected.comparison { #expect(comparison.verdict.contains(words), "\(comparison.verdict)") }
  }

  @Test(
    "A page that cannot be written, or would take the place of what is read, ends the command before its work"
  )
  func places() throws {
    let source = try folder.write(
      Data(contentsOf: URL(filePath: Fixtures.path("tiny/checkpoint/model-00001-of-00003.safetensors"))),
      as: "a.safetensors")
    let before = try Data(contentsOf: URL(filePath: source))
    for command in [["stats", source], ["diff", source, source]] {
      for place in [source, folder.path("missing/page.html"), folder.url.path] {
        let outcome = try Command.run(command + ["--html", place])
        #expect(outcome.status == 2 && outcome.output == "" && outcome.errors.contains(place), "\(place)")
      }
    }
    #expect(try Data(contentsOf: URL(filePath: source)) == before)
  }

  @Test(
    "A browser opens the pages without a word on its console, and their tables can be searched",
    .enabled(if: Browser.path != nil, "needs chromium"))
  func browser() throws {
    try PlantedFault.notANumber.write(toFolder: folder.path("faulty"))
    for arguments in [
      ["stats", folder.path("faulty")], ["diff", folder.path("faulty"), Self.sample],
      ["stats", try SampleModel.float.get(), "--activations", "--ask", "What color is the circle?"],
    ] {
      let page = try run(arguments).page
      let opened = try Browser.open(page.path)
      #expect(!opened.errors.contains("CONSOLE"), "\(opened.errors)")
      // The script made the titles into buttons and counted the rows.
      #expect(opened.output.contains("<button type=\"button\">") && opened.output.contains(" rows</span>"))
    }
    // What would be seen of a page that is not as it should be.
    let broken = try folder.write("<script>throw new Error('planted')</script>".utf8, as: "broken.html")
    #expect(try Browser.open(broken).errors.contains("planted"))
  }
}

/// A page as a program reads it.
struct WrittenPage {
  struct Cell {
    let text: String
    /// What the cell is sorted by.
    let key: String?

    /// Whether the cell is sorted by a number of the document, or by none where there is none.
    /// JSONSerialization reads numbers to 15 digits and some, not to the last bit.
    func holds(_ value: Any?) -> Bool {
      guard let value = value as? Double, let number = key.flatMap(Double.init) else {
        return value == nil && key == nil
      }
      return abs(number - value) <= 1e-14 * abs(value)
    }
  }

  let path: String
  let html: String

  init(path: String) throws {
    self.path = path
    html = try String(contentsOfFile: path, encoding: .utf8)
  }

  /// The JSON document in it, with its own escape taken back.
  var document: String {
    let start = "<script type=\"application/json\" id=\"document\">"
    return (html.components(separatedBy: start).last ?? "").components(separatedBy: "</script>")[0]
      .replacingOccurrences(of: "\\u003c", with: "<")
  }

  /// The words of the verdict.
  var verdict: String {
    let text =
      html.components(separatedBy: "role=\"status\">").last?.components(separatedBy: "</div>")[0] ?? ""
    return text.replacing(/<[^>]*>/, with: " ").trimmingCharacters(in: .whitespaces)
  }

  /// The cells of each table by the table's title.
  var tables: [String: [[Cell]]] {
    let parts = html.components(separatedBy: "<div class=\"table\">").dropFirst()
    let named = parts.compactMap { part -> (String, [[Cell]])? in
      guard let title = part.firstMatch(of: /<h3>([^<]*)<\/h3>/)?.1 else { return nil }
      let body = part.components(separatedBy: "<tbody>").last?.components(separatedBy: "</tbody>")[0] ?? ""
      let rows = body.components(separatedBy: "<tr").dropFirst().map { row in
        row.matches(of: /<td class="[^"]*"(?: data-key="([^"]*)")?>([^<]*)<\/td>/).map {
          Cell(text: String($0.2), key: $0.1.map(String.init))
        }
      }
      return (String(title), rows)
    }
    return Dictionary(named) { first, _ in first }
  }
}

/// Headless Chromium, where it is installed.
enum Browser {
  static let path: String? = ["chromium", "chromium-browser", "google-chrome"].lazy.compactMap { name in
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }.first

  /// Opens a file and gives the elements after its script has run, and on standard error what the console
  /// says.
  static func open(_ file: String) throws -> Program.Outcome {
    try Command.run(
      [
        "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom",
        "file://\(file)",
      ], executable: URL(filePath: try #require(path)))
  }
}
