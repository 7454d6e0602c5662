import CogBase
import CogEvaluate
import CogTestSupport
import Foundation
import Testing

struct ScoringTests {
  @Test(
    "a free answer counts when it is the true one but for white space at the ends, case and one final period",
    arguments: [
      ("Never.", true), ("never", true), (" NEVER \n", true), ("never .", true), ("Never..", false),
      ("", false),
      ("Never. No", false), ("Nev er.", false), ("\"Never.\"", false),
    ])
  func freeAnswer(text: String, isCorrect: Bool) {
    #expect(Scoring.isCorrect(text, for: question("Never.")) == isCorrect)
  }

  @Test(
    "of candidates the longest that the answer begins with is chosen, if a word ends there",
    arguments: [
      ("left", "left"), (" Left. It moves on.", "left"), ("left-hand", "left"), ("leftover", nil),
      ("to the left", nil),
      ("on", "on"), ("one", "one"), ("One, I think", "one"), ("ones", nil), ("on top", "on top"),
      ("on topic", "on"),
      ("At second 1.", "At second 1."), ("at second 1", "At second 1."), ("At second 10.", "At second 10."),
      ("At second 100", nil), ("C++", "C++"), ("C++17", "C++"), ("C", nil), ("", nil), ("éa", nil),
      ("É", "é"),
    ] as [(String, String?)])
  func candidates(text: String, chosen: String?) {
    let candidates = ["left", "on", "one", "on top", "At second 1.", "At second 10.", "C++", "é"]
    #expect(Scoring.chosen(from: candidates, by: text) == chosen)
    for candidate in candidates {
      let isCorrect = Scoring.isCorrect(text, for: question(candidate, candidates: candidates))
      #expect(isCorrect == (candidate == chosen))
    }
  }

  @Test(
    "the reference's answers to the sample's questions get the reference's score",
    .enabled(if: Fixtures.sharedFolder != nil, "the shared folder with the sample is not here"),
    arguments: [("bf16", 252.0 / 254), ("fp32", 251.0 / 254)])
  func sample(type: String, accuracy: Double) throws {
    let sample = try #require(Fixtures.sharedFolder).appending(path: "sample")
    func json(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: sample.appending(path: name))) }
    let set = try json("questions.json").withUnsafeBytes { try QuestionSet(json: $0, file: "questions.json") }
    let answers = try #require(JSON.parse(json("answers.json"), what: "answers")["answers"]?.elements)
    #expect(set.questions.count == 254 && answers.count == 254)
    let result = EvaluationResult(
      answers: try zip(set.questions, answers).map { question, answer in
        let ids = try #require(answer[type]?["token_ids"]?.elements).compactMap(\.integer)
        return EvaluatedAnswer(question, text: try #require(answer[type]?["text"]?.text), ids: ids)
      })
    for (found, answer) in zip(result.answers, answers) {
      #expect(found.correct == answer[type]?["correct"]?.boolean, "\(found)")
    }
    #expect(abs(result.accuracy.overall - accuracy) < 1e-12)
  }
}
