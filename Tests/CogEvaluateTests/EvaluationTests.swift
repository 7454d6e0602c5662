import CogBase
import CogCompute
import CogEvaluate
import Foundation
import Synchronization
import Testing

struct EvaluationTests {
  static let set = """
    [{"video": "b", "task": "color", "question": "1", "candidates": ["red", "blue"], "answer": "red"},
     {"video": "a", "task": "color", "question": "2", "answer": "blue"},
     {"video": "b", "task": "count", "question": "3", "answer": "two"}]
    """

  @Test("questions are asked video by video, and answers stand in the order of the file")
  func order() throws {
    var asked: [String] = []
    let result = try Evaluation.run(questionSet(Self.set)) { question in
      asked.append(question.question)
      return (question.question == "2" ? "green" : question.answer, [asked.count])
    }
    #expect(asked == ["1", "3", "2"])
    #expect(result.answers.map(\.question) == ["1", "2", "3"])
    #expect(result.answers.map(\.ids) == [[1], [3], [2]])
    #expect(result.answers.map(\.correct) == [true, false, true])
    #expect(result.accuracy.overall == 2.0 / 3)
    #expect(result.accuracy.byTask == ["color": 0.5, "count": 1])
  }

  @Test("the JSON of a result has exactly the fields of eval --json")
  func json() throws {
    let result = EvaluationResult(answers: [.init(question("red", task: "color"), text: "Red.", ids: [7, 8])])
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let data = try encoder.encode(result)
    #expect(
      String(decoding: data, as: UTF8.self)
        == #"{"accuracy":{"byTask":{"color":1},"overall":1},"answers":[{"answer":"Red.","correct":true,"#
        + #""expected":"red","ids":[7,8],"question":"q","task":"color","video":"v.mp4"}]}"#)
    #expect(try JSONDecoder().decode(EvaluationResult.self, from: data) == result)
    #expect(EvaluationResult(answers: []).accuracy.overall == 0)
  }

  @Test("a cancellation ends the run between two questions")
  func cancellation() throws {
    struct Ended: Error {}
    final class Asked: Cancellation {
      let count = Atomic<Int>(0)
      func check() throws { if count.load(ordering: .relaxed) == 2 { throw Ended() } }
    }
    let asked = Asked()
    #expect(throws: Ended.self) {
      try Evaluation.run(questionSet(Self.set), context: RunContext(cancellation: asked)) { _ in
        asked.count.wrappingAdd(1, ordering: .relaxed)
        return ("", [])
      }
    }
    #expect(asked.count.load(ordering: .relaxed) == 2)
  }

  @Test("an error of the model names the question, unless it names something itself")
  func errors() throws {
    let set = try questionSet(Self.set)
    let plain = #expect(throws: CogError.self) {
      try Evaluation.run(set) { if $0.question == "3" { throw CogError("broken") } else { ("", []) } }
    }
    #expect(plain?.subject == "question 3 (b)")
    let named = #expect(throws: CogError.self) {
      try Evaluation.run(set) { _ in throw CogError("broken", subject: "stream 0") }
    }
    #expect(named?.subject == "stream 0")
  }
}
