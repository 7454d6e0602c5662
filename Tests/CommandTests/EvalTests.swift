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
    #expect(Set(document.keys) == ["accuracy", "answers"])
    let answers = try #require(document["answers"] as? [[String: Any]])
    try #require(answers.count == chosen.count)
    for (answer, place) in zip(answers, chosen) {
      #expect(
        Set(answer.keys) == ["video", "task", "question", "expected", "answer", "ids", "correct"])
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
}
