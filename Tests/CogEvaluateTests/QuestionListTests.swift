import CogBase
import CogEvaluate
import CogTestSupport
import Foundation
import Testing

/// Lists of zero-shot question answering, of VideoChatGPT-Bench and of questions about times.
struct QuestionListTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ name: String, _ path: String) throws -> BenchmarkQuestions {
    try #require(Benchmark(named: name)).open(folder.path(path), nil)
  }

  private func write(_ text: String, as name: String) throws -> String {
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: name).deletingLastPathComponent(), withIntermediateDirectories: true)
    return try folder.write(text.utf8, as: name)
  }

  @Test("two lists belong together by position; names have no ending, ActivityNet's none of their v_")
  func videoQA() throws {
    _ = try write(
      """
      [{"video_name": "a", "question": "who?", "question_id": 7},
       {"video_name": "b", "question": "what?", "question_id": "8"}]
      """, as: "ActivityNet/test_q.json")
    let answers = try write(
      #"[{"answer": "man", "type": 3, "question_id": 7}, {"answer": 2, "question_id": 8}]"#,
      as: "ActivityNet/test_a.json")
    _ = try write("x", as: "ActivityNet/all_test/v_a.mkv")
    let asked = try open("videoqa", "ActivityNet")
    #expect(asked.list.items.map(\.answer) == ["man", "2"] && asked.list.items[0].task == "ActivityNet")
    #expect(asked.list == (try open("videoqa", "ActivityNet/test_q.json")).list)
    #expect(asked.clips.path(of: "a") == folder.path("ActivityNet/all_test/v_a.mkv"))
    #expect(asked.clips.path(of: "b") == folder.path("ActivityNet/all_test/b"))
    for other in [
      #"[{"answer": "x", "question_id": 7}]"#, #"[{"answer": "x"}, {"answer": "y", "question_id": 9}]"#,
    ] {
      _ = try write(other, as: "ActivityNet/test_a.json")
      let error = #expect(throws: CogError.self) { try open("videoqa", "ActivityNet") }
      #expect(error?.file?.hasPrefix(folder.path("ActivityNet/test_")) == true)
    }
    try FileManager.default.removeItem(atPath: answers)
    #expect(throws: CogError.self) { try open("videoqa", "ActivityNet") }
  }

  @Test("VideoChatGPT-Bench: two questions of one consistency record follow each other")
  func vcg() throws {
    _ = try write(#"[{"video_name": "v", "Q": "a?", "A": "x"}]"#, as: "b/generic_qa.json")
    let file = try write(
      #"[{"video_name": "v", "Q1": "b?", "Q2": "c?", "A": "y"}]"#, as: "b/consistency_qa.json")
    let asked = try open("vcg", "b")
    #expect(asked.list.items.map(\.question) == ["a?", "b?", "c?"])
    #expect(asked.list.items.map(\.task) == ["generic_qa", "consistency_qa", "consistency_qa"])
    #expect(asked.notes.count == 1 && asked.notes[0].contains("temporal_qa"))
    #expect(try open("vcg", "b/consistency_qa.json").list.items.count == 2)
    _ = try write(#"[{"video_name": "../v", "Q1": "b?", "Q2": "c?", "A": "y"}]"#, as: "b/consistency_qa.json")
    let error = #expect(throws: CogError.self) { try open("vcg", "b") }
    #expect(error?.file == file && error?.found == "../v")
    #expect(throws: CogError.self) { try open("vcg", "none") }
  }

  @Test("questions about times: JSON lines and Charades-STA's")
  func tqa() throws {
    _ = try write(
      """
      {"video": "a.mp4", "question": "When?", "gold": 3, "unit": "s"}

      {"video": "a.mp4", "question": "When else?", "gold": [3.5, 7]}
      AO8RW 0.0 6.9##a person is putting a book on a shelf.
      """, as: "t.jsonl")
    let items = try open("tqa", "t.jsonl").list.items
    #expect(items.map(\.answer) == ["3 s", "3.5 to 7 s", "0 to 6.9 s"])
    #expect(items.map(\.task) == ["moment", "span", "span"])
    #expect(
      items[2].video == "AO8RW" && items[2].question.hasSuffix("a person is putting a book on a shelf."))
    #expect(items.compactMap(\.answer).allSatisfy { TimeAnswer($0) != nil })
  }

  @Test(
    "lines that are no question about a time are refused",
    arguments: [
      #"{"video": "a", "question": "q"}"#, #"{"video": "a", "question": "q", "gold": "3"}"#,
      #"{"video": "a", "question": "q", "gold": [3, 2]}"#, #"{"video": "a", "question": "q", "gold": []}"#,
      #"{"video": "a", "question": "q", "gold": [1, 2, 3]}"#, #"{"video": "a", "question": "q", "gold": -1}"#,
      #"{"video": "/a", "question": "q", "gold": 1}"#, "A 1##x", "A 2 1##x", "../A 1 2##x", "A nan 2##x",
      "[]", "{",
    ])
  func refused(line: String) throws {
    let path = try write("\n\(line)\n", as: "t.jsonl")
    let error = #expect(throws: CogError.self) { try open("tqa", "t.jsonl") }
    #expect(
      error?.file == path && error?.description.contains("line 2") == true, "\(String(describing: error))")
  }
}
