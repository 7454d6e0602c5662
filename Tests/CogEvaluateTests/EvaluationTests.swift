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

  /// Runs a set whose videos are their own names.
  private func run(
    _ set: QuestionSet, context: RunContext = RunContext(), open: (String) throws -> String = { $0 },
    answer: (Question) throws -> (text: String, ids: [Int])
  ) throws -> EvaluationResult {
    var evaluation = Evaluation(set)
    try evaluation.run(context: context, open: open) { question, _ in
      let (text, ids) = try answer(question)
      return EvaluatedAnswer(question, text: text, ids: ids)
    }
    return evaluation.result
  }

  @Test("questions are asked video by video, and answers stand in the order of the file")
  func order() throws {
    var asked: [String] = []
    let result = try run(questionSet(Self.set)) { question in
      asked.append(question.question)
      return (question.question == "2" ? "green" : question.answer, [asked.count])
    }
    #expect(asked == ["1", "3", "2"])
    #expect(result.answers.map(\.question) == ["1", "2", "3"])
    #expect(result.answers.map(\.ids) == [[1], [3], [2]])
    #expect(result.answers.map(\.correct) == [true, false, true])
    #expect(result.accuracy.overall == 2.0 / 3)
    #expect(result.accuracy.byTask == ["color": 0.5, "count": 1])
    #expect(result.questions == 3 && result.failed == 0)
  }

  @Test("the JSON of a result has exactly the fields of eval --json")
  func json() throws {
    let result = EvaluationResult(
      answers: [
        EvaluatedAnswer(question("red", task: "color"), text: "Red.", ids: [7, 8]),
        EvaluatedAnswer(question("red"), failure: CogError("cannot open", file: "v.mp4")),
      ], questions: 3)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let data = try encoder.encode(result)
    #expect(
      String(decoding: data, as: UTF8.self)
        == #"{"accuracy":{"byTask":{"color":1,"t":0},"overall":0.5},"#
        + #""answers":[{"answer":"Red.","correct":true,"expected":"red","ids":[7,8],"#
        + #""question":"q","status":"ok","task":"color","video":"v.mp4"},"#
        + #"{"answer":null,"correct":false,"error":"v.mp4: cannot open","expected":"red","ids":[],"#
        + #""question":"q","status":"failed","task":"t","video":"v.mp4"}],"failed":1,"questions":3}"#)
    #expect(try JSONDecoder().decode(EvaluationResult.self, from: data) == result)
    #expect(EvaluationResult(answers: []).accuracy.overall == 0)
  }

  @Test("a cancellation ends the run between two questions, and what was answered is kept")
  func cancellation() throws {
    struct Ended: Error {}
    final class Asked: Cancellation {
      let count = Atomic<Int>(0)
      func check() throws { if count.load(ordering: .relaxed) == 2 { throw Ended() } }
    }
    let asked = Asked()
    var evaluation = Evaluation(try questionSet(Self.set))
    #expect(throws: Ended.self) {
      try evaluation.run(context: RunContext(cancellation: asked), open: { $0 }) { question, _ in
        asked.count.wrappingAdd(1, ordering: .relaxed)
        return EvaluatedAnswer(question, text: "red", ids: [])
      }
    }
    #expect(asked.count.load(ordering: .relaxed) == 2)
    #expect(evaluation.result.answers.map(\.question) == ["1", "3"])
    #expect(evaluation.result.questions == 3)
    // A second run asks what is left.
    var later: [String] = []
    try evaluation.run(open: { $0 }) { question, _ in
      later.append(question.question)
      return EvaluatedAnswer(question, text: "", ids: [])
    }
    #expect(later == ["2"] && evaluation.result.answers.count == 3)
  }

  @Test("report 3: a clip that cannot be read fails its questions, and the others are answered")
  func failedVideo() throws {
    for isKnownBefore in [true, false] {
      var evaluation = Evaluation(try questionSet(Self.set))
      var opened: [String] = []
      func open(_ path: String) throws -> String {
        opened.append(path)
        if path.hasSuffix("/b") { throw CogError("cannot open", file: path) }
        return path
      }
      if isKnownBefore {
        try evaluation.checkVideos { _ = try open($0) }
        #expect(evaluation.result.failed == 2)
      }
      try evaluation.run(open: open) { question, _ in EvaluatedAnswer(question, text: "blue", ids: [1]) }
      let result = evaluation.result
      #expect(result.answers.map(\.status) == [.failed, .ok, .failed])
      #expect(result.answers.map(\.answer) == [nil, "blue", nil])
      #expect(result.failed == 2 && result.accuracy.overall == 1.0 / 3)
      // The bad clip is tried once, however many questions there are about it.
      #expect(opened.count { $0.hasSuffix("/b") } == 1)
    }
  }

  @Test("a set whose clips are all missing is an error that names the first")
  func noVideo() throws {
    var evaluation = Evaluation(try questionSet(Self.set))
    let error = #expect(throws: CogError.self) {
      try evaluation.checkVideos { throw CogError("cannot open", file: $0) }
    }
    #expect(error?.subject == "question 1 (b)" && error?.file?.hasSuffix("/b") == true)
  }

  @Test("an error of the model fails the question that it was asked, and no other")
  func failedQuestion() throws {
    let result = try run(questionSet(Self.set)) { question in
      if question.question == "1" { throw CogError("the prompt does not fit") }
      return (question.answer, [])
    }
    #expect(result.answers.map(\.status) == [.failed, .ok, .ok])
    #expect(result.answers[0].error == "the prompt does not fit")
  }
}
