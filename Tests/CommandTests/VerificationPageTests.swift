import CogTestSupport
import Foundation
import Testing

extension PlantedFault {
  /// The layer that must be named as the first at fault.
  fileprivate var tap: String { self == .scaledLayer ? "model.layers.2" : "model.layers.1" }

  /// The tensors that differ from the sound model's, the one first that must be named.
  fileprivate var tensors: [String] {
    switch self {
    case .notANumber: [Self.gate]
    case .scaledLayer: []
    case .swapped: [Self.gate, Self.up]
    case .zeroedGroups: [Self.down]
    }
  }
}

/// The pages of `cogvlm verify --html`.
@Suite struct VerificationPageTests {
  private static let bundles = ["f32", "bf16"].map {
    Fixtures.path("sample/references/v22_h264-direction.\($0).safetensors")
  }
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Runs verify with `--html` and `--json`; gives the page and the document that was printed.
  private func run(_ arguments: [String], status: Int32 = 0) throws -> (page: WrittenPage, [String: Any]) {
    let path = folder.path("\(UUID().uuidString).html")
    let outcome = try Command.run(["verify"] + arguments + ["--json", "--html", path])
    try #require(outcome.status == status && outcome.errors == "", "\(outcome.errors)")
    let page = try WrittenPage(path: path)
    #expect(page.document == outcome.output.trimmingCharacters(in: .newlines))
    return (page, try outcome.json())
  }

  private func list(_ document: [String: Any], _ key: String) throws -> [[String: Any]] {
    try #require(document[key] as? [[String: Any]])
  }

  /// Leaves a page in the folder that `COGVLM_REPORTS` names, for people to look at.
  private func keep(_ page: WrittenPage, as name: String) throws {
    guard let folder = ProcessInfo.processInfo.environment["COGVLM_REPORTS"] else { return }
    try page.html.write(toFile: "\(folder)/\(name).html", atomically: true, encoding: .utf8)
  }

  private func expectTaps(_ taps: [[String: Any]], in page: WrittenPage) throws {
    let rows = try #require(page.tables["Layers"])
    #expect(rows.count == taps.count)
    for (row, tap) in zip(rows, taps) {
      #expect(row[0].text == tap["name"] as? String)
      for (column, key) in [(2, "isolatedRelativeL2"), (3, "relativeL2"), (4, "maxAbs"), (5, "cosine")] {
        #expect(row[column].holds(tap[key] as? Double), "\(row[0].text) \(key)")
      }
    }
  }

  private func expectTokens(_ steps: [[String: Any]], in page: WrittenPage) throws {
    for step in steps {
      let (id, reference) = (try #require(step["id"] as? Int), try #require(step["referenceId"] as? Int))
      #expect(page.html.contains("title=\"chosen: \(id), reference: \(reference) ("))
    }
  }

  @Test("The page of one bundle holds the document that is printed: layers, answer, frames and weights")
  func reference() throws {
    for (bundle, model) in zip(Self.bundles, [SampleModel.float, SampleModel.int4]) {
      let (page, document) = try run([model.get(), "--reference", bundle])
      #expect(page.verdict.hasPrefix("✓ Every layer and the answer are within tolerance"))
      let reference = try #require(try list(document, "references").first)
      try expectTaps(list(reference, "taps"), in: page)
      try expectTokens(list(try #require(reference["answer"] as? [String: Any]), "steps"), in: page)
      let frames = try list(reference, "frames")
      #expect(
        frames.count == 3 && page.html.components(separatedBy: "<img src=\"data:image/png;").count - 1 == 3)
      let tensors = try list(document, "lossyTensors")
      let rows = page.tables["Tensors"] ?? []
      #expect(rows.count == tensors.count)
      for (row, tensor) in zip(rows, tensors) {
        #expect(row[0].text == tensor["name"] as? String && row[1].holds(tensor["relativeRMS"] as? Double))
        #expect(
          row[2].holds(tensor["worstGroup"] as? Double) && row[4].holds(tensor["bitsPerWeight"] as? Double))
      }
    }
  }

  @Test("The page of several bundles has a section for each, and the frames of a video their times")
  func references() throws {
    let (page, document) = try run(
      [SampleModel.float.get(), "--reference"] + Self.bundles)
    #expect(page.verdict.hasPrefix("✓"))
    #expect(page.html.contains("All 2 references passed"))
    for reference in try list(document, "references") {
      let name = URL(filePath: try #require(reference["file"] as? String)).lastPathComponent
      #expect(page.html.contains(". \(name)</h2>"))
    }
    let video = SampleModel.video("v22_h264.mp4")
    let (other, seen) = try run([
      SampleModel.int4.get(), "--mode", "float32", "--video", video, "--reference", Self.bundles[0],
    ])
    for frame in try list(try #require(try list(seen, "references").first), "frames") {
      let time = String(format: "%.2f s", try #require(frame["seconds"] as? Double))
      #expect(other.html.contains("frame \(try #require(frame["index"] as? Int)), \(time)"))
    }
  }

  @Test("The page of a comparison over a question set holds the document that is printed")
  func comparison() throws {
    let questions = try folder.write(
      """
      [{"video": "v22_h264.mp4", "task": "t", "question": "Which way does the circle move?", "answer": "x"},
       {"video": "v21_h264.mp4", "task": "t", "question": "What color is the background?", "answer": "x"},
       {"video": "v22_h264.mp4", "task": "t", "question": "What color is the circle?", "answer": "x"}]
      """.utf8, as: "questions.json")
    let (page, document) = try run([
      SampleModel.int4.get(), "--against", SampleModel.float.get(), "--questions", questions, "--videos",
      Fixtures.path("sample/videos"),
    ])
    try keep(page, as: "against-int4")
    #expect(page.verdict.hasPrefix("✓ Every layer is within tolerance"))
    try expectTaps(list(document, "taps"), in: page)
    let asked = try list(document, "questions")
    let answers = try #require(page.tables["Answers side by side"])
    #expect(answers.count == 3 && asked.count == 3)
    for (row, question) in zip(answers, asked) {
      #expect(
        row.prefix(3).map(\.text)
          == ["question", "referenceAnswer", "answer"].map { question[$0] as? String })
      let divergence = try #require(question["divergence"] as? [String: Any])
      #expect(row[5].holds(divergence["meanKL"] as? Double) && row[6].holds(divergence["maxKL"] as? Double))
    }
    let tensors = try list(document, "tensors").filter { $0["isIdentical"] as? Bool == false }
    let rows = try #require(page.tables["Tensors"])
    #expect(rows.count == tensors.count && rows.count > 20)
    for row in rows {
      let tensor = try #require(tensors.first { $0["name"] as? String == row[0].text })
      #expect(
        row[1].holds(tensor["relativeL2"] as? Double)
          && row[2].holds(tensor["recordedRelativeRMS"] as? Double))
    }
    let frames = try list(document, "videos").flatMap { try list($0, "frames") }
    #expect(
      frames.count == 5 && page.html.components(separatedBy: "<img src=\"data:image/png;").count - 1 == 5)
  }

  // MARK: Planted faults

  private func faulty(_ fault: PlantedFault) throws -> String {
    try fault.write(toFolder: folder.path("faulty"))
    let outcome = try Command.run([
      "convert", folder.path("faulty"), "-o", folder.path("faulty.cogvlm"), "--keep-non-finite",
    ])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return folder.path("faulty.cogvlm")
  }

  /// The first cells of the rows that are pointed out.
  private func faultRows(_ page: WrittenPage) -> [String] {
    page.html.matches(of: /<tr class="fault"><td[^>]*>([^<]*)</).map { String($0.1) }
  }

  @Test(
    "A page against PyTorch's bundle names the layer with the fault at its top",
    arguments: PlantedFault.allCases)
  func faultAgainstBundle(_ fault: PlantedFault) throws {
    let (page, document) = try run([faulty(fault), "--reference", Self.bundles[1]], status: 1)
    try keep(page, as: "reference-\(fault)")
    #expect(page.verdict.hasPrefix("✗ First layer at fault: \(fault.tap) "), "\(page.verdict)")
    #expect(faultRows(page) == [fault.tap])
    #expect(page.html.contains("first at fault: \(fault.tap)</text>"))
    // Every other layer is given the reference's input and passes.
    let taps = try list(try #require(try list(document, "references").first), "taps")
    let wrong = taps.filter { $0["isolatedPassed"] as? Bool == false }.compactMap { $0["name"] as? String }
    #expect(wrong == (fault == .swapped ? [fault.tap, "model.layers.3"] : [fault.tap]))
  }

  @Test(
    "A page against the sound model names the layer and the tensor with the fault at its top",
    arguments: PlantedFault.allCases)
  func faultAgainstModel(_ fault: PlantedFault) throws {
    let (page, document) = try run(
      [
        faulty(fault), "--against", SampleModel.float.get(), "--video", SampleModel.video("v22_h264.mp4"),
        "--ask",
        "Which way does the circle move?",
      ], status: 1)
    try keep(page, as: "against-\(fault)")
    #expect(page.verdict.hasPrefix("✗ First layer at fault: \(fault.tap) "), "\(page.verdict)")
    let words = try #require(page.verdict.firstMatch(of: /Of its weights (\S+) differs most/))
    let named = String(words.1)
    let rows = faultRows(page)
    // An answer that differs where the reference was sure is pointed out too.
    #expect(rows.prefix(2) == [fault.tap, named] && rows.count <= 3, "\(rows)")
    let differing = try list(document, "tensors").filter { $0["isIdentical"] as? Bool == false }
      .compactMap { $0["name"] as? String }
    if fault == .scaledLayer {
      #expect(differing.count == 7 && differing.allSatisfy { $0.hasPrefix("\(fault.tap).") })
    } else {
      #expect(Set(differing) == Set(fault.tensors) && named == fault.tensors.first)
    }
  }

  @Test(
    "A browser opens the pages without a word on its console, and their tables can be searched",
    .enabled(if: Browser.path != nil, "needs chromium"))
  func browser() throws {
    for arguments in [
      ["--reference"] + Self.bundles, ["--ask", "Which way?", "--against", try SampleModel.float.get()],
    ] {
      let page = try run([SampleModel.int4.get()] + arguments).page
      let opened = try Browser.open(page.path)
      #expect(!opened.errors.contains("CONSOLE"), "\(opened.errors)")
      // The script made the titles into buttons and counted the rows.
      #expect(opened.output.contains("<button type=\"button\">") && opened.output.contains(" rows</span>"))
    }
    // What the test would see if a page loaded something: its policy forbids it, and the console says so.
    let page = try run([SampleModel.float.get(), "--reference", Self.bundles[0]]).page
    let altered = page.html.replacing("<footer>", with: "<img src=\"https://example.invalid/x.png\"><footer>")
    let other = try folder.write(altered.utf8, as: "altered.html")
    #expect(try Browser.open(other).errors.contains("CONSOLE"))
  }
}
