import CogTestSupport
import Foundation
import Testing

/// `cogvlm eval --benchmark mvbench` on a benchmark with the traps of the real one.
@Suite struct MVBenchTests {
  private let sample: SampleBenchmark
  private let plain = ["--prompt-profile", "plain", "--frames", "chat"]

  init() throws { sample = try SampleBenchmark() }

  private func run(_ questions: String, _ run: String, _ options: [String]) throws -> Program.Outcome {
    try Command.run(
      [
        "eval", SampleModel.float.get(), "--benchmark", "mvbench", "--questions",
        sample.folder.path(questions),
        "--run", sample.folder.path(run),
      ] + options)
  }

  private func score(_ run: String, _ options: [String] = [], status: Int32 = 3) throws -> [String: Any] {
    let outcome = try Command.run(["score", sample.folder.path(run), "--json"] + options)
    try #require(outcome.status == status, "\(outcome.errors)")
    return try outcome.json()
  }

  private func answers(_ document: [String: Any], _ task: String) throws -> [[String: Any]] {
    try #require(document["answers"] as? [[String: Any]]).filter { $0["task"] as? String == task }
  }

  /// What plain `eval` makes of the whole videos.
  private func expected() throws -> [[String: Any]] {
    let entries = SampleBenchmark.whole.indices.map { place in
      [
        "video": sample.clip(place), "task": SampleBenchmark.whole[place].0,
        "question": SampleBenchmark.question, "candidates": SampleBenchmark.candidates, "answer": "up",
      ] as [String: Any]
    }
    let file = try sample.folder.write(
      JSONSerialization.data(withJSONObject: entries), as: "questions.json")
    let outcome = try Command.run(["eval", SampleModel.float.get(), "--questions", file, "--json"])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try #require(outcome.json()["answers"] as? [[String: Any]])
  }

  @Test(
    "with the bare question, chat frames and rule plain, results are those of plain eval, in both layouts")
  func samePlain() throws {
    let expected = try expected()
    let old = try run("old", "run", plain)
    #expect(old.status == 3, "\(old.errors)")
    let document = try score("run", ["--rule", "plain"])
    for answer in expected {
      let own = try #require(try answers(document, answer["task"] as? String ?? "").first)
      for key in ["answer", "ids", "correct", "status", "expected"] {
        #expect((own[key] as? NSObject) == (answer[key] as? NSObject), "\(answer["task"] ?? ""): \(key)")
      }
    }
    // The folder with the list, and the list itself.
    for (questions, name) in [("new", "a"), ("new/test.json", "b")] {
      let outcome = try run(questions, name, plain)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let document = try score(name, ["--rule", "plain"], status: 0)
      let found = try #require(document["answers"] as? [[String: Any]])
      #expect(found.count == expected.count)
      for answer in expected {
        let own = try #require(try answers(document, answer["task"] as? String ?? "").first)
        #expect(own["ids"] as? [Int] == answer["ids"] as? [Int])
      }
    }
  }

  @Test(
    "bounds, broken and missing clips, images: each is answered or fails alone, and missing tasks are told")
  func traps() throws {
    let outcome = try run("old", "run", plain)
    #expect(outcome.errors.contains("note: Fine-grained Pose: there is no nturgbd"), "\(outcome.errors)")
    #expect(outcome.errors.contains("note: Character Order is missing"))
    let document = try score("run")
    #expect(document["rule"] as? String == "pllava")
    let parts = try answers(document, "Action Sequence")
    #expect(parts.map { $0["status"] as? String } == ["ok", "ok", "failed"])
    #expect((parts[2]["error"] as? String)?.contains("behind the end of the video") == true)
    // The whole video under bounds is the whole video.
    let scene = try answers(document, "Scene Transition")
    #expect(parts[0]["ids"] as? [Int] == scene[0]["ids"] as? [Int])
    let broken = try answers(document, "Object Shuffle")
    #expect(broken.allSatisfy { $0["status"] as? String == "failed" && $0["answer"] is NSNull })
    #expect((broken[1]["error"] as? String)?.contains("perception/videos/none.mp4") == true)
    #expect(try answers(document, "Unexpected Action").first?["status"] as? String == "ok")
    // Images at three a second, as ask shows them.
    let asked = try Command.run([
      "ask", SampleModel.float.get(), "--video", sample.images, "--fps", "3", "--frames", "chat",
      "--max-new-tokens", "24", "--json", SampleBenchmark.question,
    ]).json()
    #expect(
      try answers(document, "Episodic Reasoning").first?["ids"] as? [Int] == asked["ids"] as? [Int])
    let tasks = try #require(document["tasks"] as? [[String: Any]])
    #expect(tasks.count == 20 && (document["groups"] as? [Any])?.count == 9)
    let present = tasks.filter { $0["present"] as? Bool == true }.compactMap { $0["name"] as? String }
    #expect(
      Set(present) == [
        "Action Sequence", "Action Antonym", "Fine-grained Action", "Unexpected Action", "Object Existence",
        "Scene Transition", "Episodic Reasoning",
      ])
    let text = try Command.run(["score", sample.folder.path("run")]).output
    #expect(text.contains("missing: Fine-grained Pose") && text.contains("published: 62.3 %"))
  }

  @Test("the header says profile and frames, which are the benchmark's where none are named")
  func header() throws {
    for (options, profile, frames) in [
      ([], "cogvlm2-mvbench ", "uniform:24"), (plain, "plain", "chat"),
      (["--prompt-profile", "lmms-mvbench", "--frames", "4"], "lmms-mvbench ", "uniform:4"),
    ] {
      let name = "run-\(frames)"
      _ = try run("old", name, options + ["--limit", "1"])
      let data = try Data(contentsOf: URL(filePath: sample.folder.path("\(name)/header.json")))
      let header = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      #expect(header["frames"] as? String == frames && header["job"] as? String == "mvbench")
      let prompt = try #require(header["prompt"] as? [String: String])
      #expect(prompt["profile"]?.hasPrefix(profile) == true)
      // Another profile is another run.
      let other = try run("old", name, options + ["--prompt-profile", "mvbench"])
      #expect(other.status == 2 && other.errors.contains("prompt profile: the run was begun otherwise"))
    }
    let outcome = try run("old", "other", ["--prompt-profile", "best"])
    #expect(outcome.status == 64 && outcome.errors.contains("cogvlm2-mvbench"), "\(outcome.errors)")
    let without = try Command.run([
      "eval", SampleModel.float.get(), "--benchmark", "mvbench", "--questions", sample.folder.path("old"),
    ])
    #expect(without.status == 64)
  }

  @Test("the second reader finds the keys of parts", .enabled(if: Python.isThere, "needs python3"))
  func secondReader() throws {
    _ = try run("old", "run", plain + ["--limit", "2"])
    let outcome = try Python.run([Python.tools + "/read_run.py", sample.folder.path("run")])
    #expect(outcome.status == 3 && outcome.output.hasPrefix("12 items, 2 finished"), "\(outcome.errors)")
  }
}
