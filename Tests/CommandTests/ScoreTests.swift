import CogTestSupport
import Foundation
import Testing

/// `cogvlm score` on runs, merged and not.
@Suite struct ScoreTests {
  private let folder: TemporaryFolder
  private let run: String
  private let plain: [String: Any]

  init() throws {
    folder = try TemporaryFolder()
    run = folder.path("run")
    let all = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(filePath: Fixtures.path("sample/questions.json"))))
    // Those with options: most rules know nothing else.
    var some = try #require(all as? [[String: Any]]).filter {
      ["v03_h264.mp4", "v22_h264.mp4"].contains($0["video"] as? String ?? "")
        && ($0["candidates"] as? [String])?.isEmpty == false
    }
    some.insert(
      ["video": "none.mp4", "task": "color", "question": "What?", "candidates": ["x"], "answer": "x"], at: 1)
    let questions = try folder.write(JSONSerialization.data(withJSONObject: some), as: "questions.json")
    let outcome = try Command.run([
      "eval", try SampleModel.int4.get(), "--questions", questions, "--videos",
      Fixtures.path("sample/videos"), "--run", run, "--json",
    ])
    try #require(outcome.status == 3, "\(outcome.errors)")
    plain = try outcome.json()
  }

  private func score(_ options: [String] = [], path: String? = nil) throws -> [String: Any] {
    let outcome = try Command.run(["score", path ?? run, "--json"] + options)
    #expect(outcome.status == 3 && outcome.errors == "", "\(outcome.errors)")
    return try outcome.json()
  }

  @Test("under plain, the document has all of what eval prints, from the folder and from merged results")
  func samePlain() throws {
    let document = try score()
    #expect(document["rule"] as? String == "plain" && document["missing"] as? Int == 0)
    for (key, value) in plain {
      #expect((document[key] as? NSObject) == (value as? NSObject), "\(key)")
    }
    let merged = folder.path("merged.jsonl")
    try Command.run(["merge", run, "-o", merged])
    #expect(NSDictionary(dictionary: try score(path: merged)) == NSDictionary(dictionary: document))
    let intervals = try #require(document["intervals"] as? [String: Any])
    let overall = try #require(intervals["overall"] as? [String: Double])
    let accuracy = try #require((document["accuracy"] as? [String: Any])?["overall"] as? Double)
    #expect(overall["low"] ?? 1 < accuracy && accuracy < overall["high"] ?? 0)
  }

  @Test("another rule is used on the same replies, and what it cannot read counts as wrong and is shown")
  func rules() throws {
    let document = try score(["--rule", "strict"])
    let answers = try #require(document["answers"] as? [[String: Any]])
    let asked = try #require(plain["answers"] as? [[String: Any]])
    #expect(answers.map { $0["answer"] as? String } == asked.map { $0["answer"] as? String })
    #expect(answers.allSatisfy { $0["correct"] as? Bool == false })
    #expect(document["unparsed"] as? Int == answers.count - 1 && document["failed"] as? Int == 1)
    let text = try Command.run(["score", run, "--rule", "strict"])
    #expect(text.output.hasPrefix("rule: strict (") && text.status == 3)
    let rows = text.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    let all = try #require(rows.first { $0.first == "all" })
    #expect(all[1] == "0" && all[2] == "\(answers.count)" && all.suffix(2) == ["1", "\(answers.count - 1)"])
  }

  @Test("the page has the document, answers with wrong ones first, bars with intervals, and frames of clips")
  func page() throws {
    let page = folder.path("page.html")
    let outcome = try Command.run([
      "score", run, "--html", page, "--videos", Fixtures.path("sample/videos"), "--rule", "strict",
    ])
    #expect(outcome.status == 3 && outcome.errors == "", "\(outcome.errors)")
    let html = try String(contentsOfFile: page, encoding: .utf8)
    #expect(html.contains("data:image/png;base64,") && html.contains("<line class=\"tick\""))
    let failed = try #require(html.range(of: ">failed</td>"))
    let unparsed = try #require(html.range(of: ">unparsed</td>"))
    #expect(!html.contains(">right</td>") && failed.lowerBound != unparsed.lowerBound)
    let start = try #require(html.range(of: "id=\"document\">"))
    let end = try #require(html.range(of: "</script>", range: start.upperBound..<html.endIndex))
    let document = try JSONSerialization.jsonObject(
      with: Data(html[start.upperBound..<end.lowerBound].utf8))
    #expect(
      NSDictionary(dictionary: try #require(document as? [String: Any]))
        == NSDictionary(dictionary: try score(["--rule", "strict"])))
    // Right answers come last.
    let plain = try Command.run(["score", run, "--html", "-"])
    let right = try #require(plain.output.range(of: ">right</td>"))
    let wrong = try #require(plain.output.range(of: ">failed</td>"))
    #expect(wrong.lowerBound < right.lowerBound)
    #expect(try Command.run(["score", run, "--videos", folder.path("x")]).status == 64)
    #expect(try Command.run(["score", run, "--html", "-", "--json"]).status == 64)
  }

  @Test("two runs are compared, and exports refuse what they are not for")
  func pairs() throws {
    let merged = folder.path("merged.jsonl")
    try Command.run(["merge", run, "-o", merged])
    let same = try Command.run(["score", run, merged, "--json"])
    #expect(same.status == 3 && same.errors == "", "\(same.errors)")
    let total = try #require(same.json()["total"] as? [String: Any])
    #expect(total["onlyFirst"] as? Int == 0 && total["probability"] as? Double == 1)
    let text = try Command.run(["score", run, merged])
    #expect(text.output.contains("only second"))
    try expectRefusal(
      ["score", run, "--export", "pllava", "-o", folder.path("out")], naming: run,
      saying: "not for this benchmark",
      in: folder)
    for wrong in [["--export", "pllava"], ["-o", "x"], [run, run], ["--export", "xlsx", "-o", "x"]] {
      #expect(try Command.run(["score", run] + wrong).status == 64, "\(wrong)")
    }
  }

  @Test("what is no run, no result or has no rule is refused by name")
  func refused() throws {
    try expectRefusal(
      ["score", folder.path("questions.json")], naming: folder.path("questions.json"),
      saying: "no result of a run", in: folder)
    try expectRefusal(
      ["score", folder.path("none")], naming: folder.path("none"), saying: "no run", in: folder)
    let empty = try folder.write([], as: "empty.jsonl")
    try expectRefusal(["score", empty], naming: empty, saying: "no results yet", in: folder)
    let merged = folder.path("twice.jsonl")
    try Command.run(["merge", run, "-o", merged])
    try rewrite(merged) { $0 + $0 }
    try expectRefusal(["score", merged], naming: merged, saying: "two results", in: folder)
    #expect(try Command.run(["score", run, "--rule", "best"]).status == 64)
  }
}
