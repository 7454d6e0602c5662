import CogBase
import CogEvaluate
import CogTestSupport
import Foundation
import Testing

struct QuestionSetTests {
  @Test("questions are read with and without candidates, other fields passed over")
  func reading() throws {
    let set = try questionSet(
      """
      [{"video": "a.mp4", "task": "color", "question": "What?", "candidates": ["red", "blue"],
        "answer": "blue", "id": 5},
       {"video": "b.mp4", "task": "caption", "question": "Say.", "answer": "A cat."},
       {"video": "b.mp4", "task": "caption", "question": "Say.", "candidates": null, "answer": "A cat."},
       {"video": "b.mp4", "task": "caption", "question": "Say.", "candidates": [], "answer": "A cat."}]
      """)
    #expect(set.questions.count == 4)
    #expect(
      set.questions[0]
        == Question(
          video: "a.mp4", task: "color", question: "What?", candidates: ["red", "blue"], answer: "blue"))
    #expect(set.questions[1].candidates == nil)
    #expect(set.questions[1] == set.questions[2] && set.questions[1] == set.questions[3])
  }

  static let good = #"{"video": "v", "task": "t", "question": "q", "candidates": ["a", "b"], "answer": "a"}"#

  @Test(
    "a wrong entry is an error that names its number and field",
    arguments: [
      (#""video": "v", "#, "", "entry 2, video"), (#""task": "t""#, #""task": 5"#, "entry 2, task"),
      (#""question": "q""#, #""question": " ""#, "entry 2, question"),
      (#", "answer": "a""#, "", "entry 2, answer"),
      (#""answer": "a""#, #""answer": null"#, "entry 2, answer"),
      (#""answer": "a""#, #""answer": "c""#, "entry 2, answer"),
      (#"["a", "b"]"#, #""a""#, "entry 2, candidates"),
      (#"["a", "b"]"#, #"["a", 3]"#, "entry 2, candidates"),
      (#"["a", "b"]"#, #"["a", "."]"#, "entry 2, candidates"),
    ])
  func wrongField(old: String, new: String, subject: String) throws {
    let bad = Self.good.replacingOccurrences(of: old, with: new)
    #expect(bad != Self.good)
    let error = #expect(throws: CogError.self) { try questionSet("[\(Self.good), \(bad)]", file: "a/q.json") }
    #expect(error?.subject == subject)
    #expect(error?.file == "a/q.json")
  }

  @Test(
    "what is no list of questions is an error",
    arguments: ["", "{}", "[]", "[1]", "[[]]", "null", "[{}", "\u{0}"])
  func noList(text: String) {
    let error = #expect(throws: CogError.self) { try questionSet(text) }
    #expect(error?.file == "questions.json")
  }

  @Test("a file cut off or damaged anywhere is read or refused, and never traps")
  func damaged() throws {
    let bytes = Array("[\(Self.good), \(Self.good)]".utf8)
    for length in 0..<bytes.count {
      #expect(throws: CogError.self) {
        try bytes[..<length].withUnsafeBytes { try QuestionSet(json: $0, file: "q") }
      }
    }
    for place in bytes.indices {
      for bit in 0..<8 {
        var copy = bytes
        copy[place] ^= 1 << UInt8(bit)
        do {
          #expect(try copy.withUnsafeBytes { try QuestionSet(json: $0, file: "q") }.questions.count == 2)
        } catch is CogError {}
      }
    }
  }

  @Test("all questions of a video are asked one after another")
  func askingOrder() throws {
    let entries = ["b", "a", "b", "c", "a"].map {
      #"{"video": "\#($0)", "task": "t", "question": "q", "answer": "x"}"#
    }
    #expect(try questionSet("[\(entries.joined(separator: ","))]").askingOrder == [0, 2, 1, 4, 3])
  }
}
