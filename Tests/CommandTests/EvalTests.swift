import CogTestSupport
import Foundation
import Testing

/// `cogvlm eval` on the sample's questions against what the published code answered.
@Suite struct EvalTests {
  /// What the published code answered, in the order of the questions.
  struct Reference: Decodable {
    struct Answer: Decodable {
      let video: String
      let question: String
      let bf16: Run
      let fp32: Run
    }
    struct Run: Decodable {
      let text: String
      let tokenIds: [Int]
      let minMargin: Double
      let correct: Bool
    }
    let answers: [Answer]

    /// The file's keys are in snake case.
    static let decoder = {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return decoder
    }()

    static let sample = Result {
      try Reference.decoder.decode(
        Reference.self, from: Data(contentsOf: URL(filePath: Fixtures.path("sample/answers.json"))))
    }
  }

  private static let questions = Fixtures.path("sample/questions.json")
  /// The share of right answers of the published code in bfloat16: 252 of 254.
  private static let referenceAccuracy = 252.0 / 254

  private func evaluate(_ model: String, _ options: [String], questions: String = questions) throws
    -> [String: Any]
  {
    let outcome = try Command.run(
      [
        "eval", model, "--json", "--questions", questions, "--videos", Fixtures.path("sample/videos"),
      ] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors == "")
    return try outcome.json()
  }

  private func accuracy(_ document: [String: Any]) throws -> Double {
    let accuracy = try #require(document["accuracy"] as? [String: Any])
    #expect(Set(accuracy.keys) == ["overall", "byTask"])
    return try #require(accuracy["overall"] as? Double)
  }

  @Test(
    "Some videos' questions are answered with the reference's text and ids",
    arguments: ["float32", "bfloat16"])
  func subset(_ mode: String) throws {
    let folder = try TemporaryFolder()
    let videos: Set = ["v03_h264.mp4", "v09_vp9.webm", "v17_vfr.mp4", "v22_h264.mp4"]
    let list = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: Self.questions)))
    let all = try #require(list as? [[String: Any]])
    let chosen = all.indices.filter { videos.contains(all[$0]["video"] as? String ?? "") }
    try #require(chosen.count > 20)
    let file = try folder.write(
      JSONSerialization.data(withJSONObject: chosen.map { all[$0] }), as: "some.json")
    let document = try evaluate(SampleModel.float.get(), ["--mode", mode], questions: file)
    #expect(Set(document.keys) == ["accuracy", "answers", "questions", "failed"])
    let answers = try #require(document["answers"] as? [[String: Any]])
    try #require(answers.count == chosen.count)
    for (answer, place) in zip(answers, chosen) {
      #expect(
        Set(answer.keys) == ["video", "task", "question", "expected", "status", "answer", "ids", "correct"])
      let reference = try Reference.sample.get().answers[place]
      let run = mode == "float32" ? reference.fp32 : reference.bf16
      #expect(answer["video"] as? String == reference.video)
      #expect(answer["question"] as? String == reference.question)
      // Below that margin another sound implementation may answer otherwise.
      guard run.minMargin > 0.25 else { continue }
      #expect(answer["answer"] as? String == run.text)
      #expect(answer["ids"] as? [Int] == run.tokenIds)
      #expect(answer["correct"] as? Bool == run.correct)
    }
  }

  @Test("All 254 questions are answered as the reference answers them, in bfloat16")
  func all() throws {
    let document = try evaluate(SampleModel.float.get(), ["--mode", "bfloat16"])
    let answers = try #require(document["answers"] as? [[String: Any]])
    let references = try Reference.sample.get().answers
    try #require(answers.count == 254 && references.count == 254)
    for (answer, reference) in zip(answers, references) where reference.bf16.minMargin > 0.25 {
      #expect(
        answer["ids"] as? [Int] == reference.bf16.tokenIds, "\(reference.video): \(reference.question)")
    }
    #expect(abs(try accuracy(document) - Self.referenceAccuracy) <= 0.005)
  }

  @Test("The int4 model loses at most one point of accuracy over all questions")
  func int4() throws {
    let accuracy = try accuracy(evaluate(SampleModel.int4.get(), []))
    #expect(accuracy >= Self.referenceAccuracy - 0.01)
  }

  @Test("Without --json the result is a table, and the videos lie beside the questions")
  func table() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path("videos"), withIntermediateDirectories: false)
    try FileManager.default.copyItem(
      atPath: SampleModel.video("v22_h264.mp4"), toPath: folder.path("videos/clip.mp4"))
    let question = """
      {"video": "clip.mp4", "task": "direction", "question": "Which way does the circle move?",
       "answer": "UP."}
      """
    let file = try folder.write("[\(question)]".utf8, as: "questions.json")
    let outcome = try Command.run(["eval", SampleModel.float.get(), "--questions", file])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors == "")
    let rows = outcome.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(rows.contains(["direction", "1", "1", "100.0", "%"]))
    #expect(rows.contains(["all", "1", "1", "100.0", "%"]))
  }

  /// A folder with `questions.json` about one whole clip, a missing one and one that is cut off.
  private func someBroken(_ folder: TemporaryFolder) throws -> String {
    let videos = folder.path("videos")
    try FileManager.default.createDirectory(atPath: videos, withIntermediateDirectories: false)
    let whole = try Data(contentsOf: URL(filePath: SampleModel.video("v22_h264.mp4")))
    try whole.write(to: URL(filePath: "\(videos)/whole.mp4"))
    try whole.prefix(whole.count / 2).write(to: URL(filePath: "\(videos)/cut.mp4"))
    try FileManager.default.copyItem(
      atPath: Fixtures.path("reports/damage/mjpeg_zero.avi"), toPath: "\(videos)/damaged.avi")
    let entries = ["none.mp4", "whole.mp4", "cut.mp4", "none.mp4", "damaged.avi", "whole.mp4"].map {
      """
      {"video": "\($0)", "task": "direction", "question": "Which way does the circle move?", "answer": "Up."}
      """
    }
    return try folder.write("[\(entries.joined(separator: ", "))]".utf8, as: "questions.json")
  }

  @Test("report 3: missing and broken clips are told first, count as failed, and the others are answered")
  func failed() throws {
    let folder = try TemporaryFolder()
    let file = try someBroken(folder)
    let outcome = try Command.run(["eval", SampleModel.float.get(), "--questions", file, "--json"])
    #expect(outcome.status == 3)
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.count == 3 && lines.allSatisfy { $0.hasPrefix("warning: ") }, "\(outcome.errors)")
    #expect(
      lines[0].hasPrefix("warning: failed questions: 2: ") && lines[0].contains("none.mp4: cannot open"))
    #expect(lines[1].contains("cut.mp4") && lines[2].contains("damaged.avi: frame 5 at 1.0 s"))
    let document = try outcome.json()
    let answers = try #require(document["answers"] as? [[String: Any]])
    #expect(answers.map { $0["status"] as? String } == ["failed", "ok", "failed", "failed", "failed", "ok"])
    #expect(answers.map { $0["correct"] as? Bool } == [false, true, false, false, false, true])
    #expect(answers[0]["answer"] is NSNull && answers[1]["answer"] as? String == "up")
    #expect(document["failed"] as? Int == 4 && document["questions"] as? Int == 6)
    #expect(abs(try accuracy(document) - 1.0 / 3) < 1e-9)
    let text = try Command.run(["eval", SampleModel.float.get(), "--questions", file])
    let rows = text.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(rows.contains(["all", "2", "6", "33.3", "%", "4"]))
    // With the damage tolerated the damaged clip is asked about, and its frame is listed.
    let tolerant = try Command.run([
      "eval", SampleModel.float.get(), "--questions", file, "--json", "--tolerate-damage",
    ])
    let shown = try #require(tolerant.json()["answers"] as? [[String: Any]])[4]
    #expect(tolerant.status == 3 && shown["status"] as? String == "ok")
    #expect((shown["damagedFrames"] as? [[String: Any]])?.first?["index"] as? Int == 5)
  }

  @Test("report 3: after Ctrl-C what was answered is printed")
  func interrupted() throws {
    let model = try SampleModel.float.get()
    let outcome = try Command.run([
      "eval", model, "--mode", "float32", "--threads", "1", "--json", "--questions", Self.questions,
      "--videos",
      Fixtures.path("sample/videos"),
    ]) { process in
      Thread.sleep(forTimeInterval: 2)
      process.interrupt()
    }
    #expect(outcome.status == 130 && outcome.errors == "interrupted\n", "\(outcome.errors)")
    let document = try outcome.json()
    let count = try #require(document["answers"] as? [[String: Any]]).count
    #expect(count < 254 && document["questions"] as? Int == 254)
  }
}
