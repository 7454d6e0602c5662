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
    var some = try #require(all as? [[String: Any]]).filter {
      ["v03_h264.mp4", "v22_h264.mp4"].contains($0["video"] as? String ?? "")
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
