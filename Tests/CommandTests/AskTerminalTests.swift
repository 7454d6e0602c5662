import CogTestSupport
import Foundation
import Testing

/// `cogvlm ask` with several questions, and without one at a terminal.
@Suite struct AskTerminalTests {
  private static let video = SampleModel.video("v22_h264.mp4")
  private static let typist = Fixtures.packageFolder.appending(path: "Tests/Python/ask_at_terminal.py").path

  /// What ends the progress that is drawn before an answer.
  private static let cleared = "\r\u{1B}[2K"

  private func ask(_ arguments: [String]) throws -> Program.Outcome {
    try Command.run(["ask", try SampleModel.int4.get(), "--max-new-tokens", "5"] + arguments)
  }

  @Test(
    "several questions are answered as each alone, to the bit of the logits, and after the first in no time",
    arguments: ["chat", "vqa", "base"], ["fast", "bfloat16", "float32"])
  func several(template: String, mode: String) throws {
    let questions = ["Which way does the circle move?", "What?", "What color is the circle?"]
    let options = ["--video", Self.video, "--template", template, "--mode", mode]
    let together = try ask(options + ["--json"] + questions).json()
    let others = try #require(together["others"] as? [[String: Any]])
    #expect(others.map { $0["question"] as? String } == Array(questions.dropFirst()))
    for (question, answer) in zip(questions, [together] + others) {
      let alone = try ask(options + ["--json", question]).json()
      #expect(alone["others"] == nil)
      for key in ["ids", "margins", "text", "promptTokens", "ending"] {
        #expect(answer[key] as? NSObject == alone[key] as? NSObject, "\(question), \(key)")
      }
    }
    let lines = try questions.map { try ask(options + [$0]).output }
    #expect(try ask(options + questions).output == lines.joined())
  }

  @Test("without a terminal a question is missing")
  func missing() throws {
    let outcome = try ask(["--video", Self.video])
    #expect(outcome.status == 64 && outcome.errors.contains("A question is missing"), "\(outcome.errors)")
  }

  /// What is shown at a terminal after each text that is typed.
  private func type(
    _ script: [String], _ options: [String] = [], columns: Int = 0
  ) throws -> (status: Int, shown: [String]) {
    let text = String(decoding: try JSONEncoder().encode(script), as: UTF8.self)
    let typing = [Self.typist, "--columns", "\(columns)", text, Command.binary.path]
    let outcome = try Python.run(
      typing + ["ask", try SampleModel.int4.get(), "--max-new-tokens", "5"] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    let document = try outcome.json()
    #expect(document["echoes"] as? Bool == false)
    return (try #require(document["status"] as? Int), try #require(document["shown"] as? [String]))
  }

  @Test(
    "questions are typed at a terminal, told of the earlier ones, about one video and then another",
    .enabled(if: Python.isThere, "needs python3"))
  func typed() throws {
    let (first, second) = ("Which way does the circle move?", "What color is the circle?")
    let other = SampleModel.video("v03_h264.mp4")
    let (status, shown) = try type(
      [
        "\(first)\n", "\(second)\n", "/video none.mp4\n", "/new\n", "\u{1B}[A\u{1B}[A\u{1B}[A\n",
        "/video \(other)\n", "\(second)\n", "/what\n", "\n", "/quit\n",
      ], ["--video", Self.video])
    #expect(status == 0)
    func answer(_ question: String, _ options: [String]) throws -> String {
      try ask(options + [question]).output.replacing("\n", with: "\r\n")
    }
    let one = try answer(first, ["--video", Self.video])
    let told = "\(first)=>\(one.trimmingCharacters(in: .whitespacesAndNewlines))"
    #expect(shown[0].contains("/video PATH"))
    #expect(shown[1].contains(Self.cleared + one), "\(shown[1].debugDescription)")
    #expect(try shown[2].contains(Self.cleared + answer(second, ["--video", Self.video, "--history", told])))
    #expect(shown[3].contains("error: none.mp4"), "\(shown[3].debugDescription)")
    #expect(try shown[5].contains(Self.cleared + answer(second, ["--video", Self.video])))
    #expect(shown[6].contains("frames of "))
    #expect(try shown[7].contains(Self.cleared + answer(second, ["--video", other])))
    #expect(shown[8].contains("/video PATH") && !shown[9].contains("error"))
  }

  @Test(
    "a question wider than the terminal stays in its row, and is drawn once when it is pasted",
    .enabled(if: Python.isThere, "needs python3"))
  func wide() throws {
    let question = "What does the man in the blue jacket do after he has opened the door?"
    let script = ["\(question)\n", "\(question)\u{1}What, \u{15}\u{B}\u{4}"]
    let (status, shown) = try type(script, columns: 40)
    #expect(status == 0)
    // Empty, again behind the answer, and after all that was typed at once, where it ends.
    let rows = shown.joined().split(separator: "\u{1B}[?7l").dropFirst()
    #expect(rows.count <= 4)
    #expect(shown[1].hasPrefix("\r\u{1B}[K> \(question)\r\n"), "\(shown[1].debugDescription)")
    for drawn in rows {
      let row = drawn.dropFirst("\r\u{1B}[K".count).prefix { $0 != "\r" }
      #expect(row.count <= 40, "\(row)")
    }
  }

  @Test(
    "a conversation that fills the context tells how to go on, and --fps serves folders that are named later",
    .enabled(if: Python.isThere, "needs python3"))
  func context() throws {
    let folder = try TemporaryFolder()
    let images = folder.path("images")
    try FileManager.default.createDirectory(atPath: images, withIntermediateDirectories: false)
    try FileManager.default.copyItem(
      atPath: Fixtures.path("reports/stills/truncated-jpeg/0.jpg"), toPath: "\(images)/0.jpg")
    let long = String(repeating: "What color is it? ", count: 150)
    let typed = [long, long, long, "/new", "/video \(images)", "/video \(Self.video)", "/quit"]
    let (status, shown) = try type(
      typed.map { "\($0)\n" }, ["--fps", "1", "--tolerate-damage"])
    #expect(status == 0)
    let refused = try #require(shown.first { $0.contains("error") })
    #expect(refused.contains("earlier turn") && refused.contains("/new"), "\(refused.debugDescription)")
    #expect(shown[5].contains("1 frames of") && shown[6].contains("frames of"), "\(shown)")
  }

  @Test(
    "Ctrl-D ends with 0, and Ctrl-C with 130",
    .enabled(if: Python.isThere, "needs python3"), arguments: [("\u{4}", 0), ("\u{3}", 130)])
  func ends(key: String, status: Int) throws {
    #expect(try type([key]).status == status)
  }
}
