import CogBase
import CogEvaluate
import CogMedia
import CogTestSupport
import Foundation
import Testing

/// Reading MVBench's files, and what they must not do.
struct MVBenchReaderTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for name in ["b/json", "b/video/star/star/Charades_v1_480", "b/video/data0613/clevrer/video_validation"] {
      try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
    }
  }

  private func entry(_ video: String, _ more: String = "", answer: String = "y") -> String {
    let fields = #""video": "\#(video)", "question": "q", "candidates": ["x", "y"], "answer": "\#(answer)""#
    return "{\(fields), \"z\": 1\(more)}"
  }

  private func write(_ entries: String..., as name: String) throws {
    _ = try folder.write("[\(entries.joined(separator: ","))]".utf8, as: "b/json/\(name).json")
  }

  private func read() throws -> BenchmarkQuestions {
    try .mvbench(path: folder.path("b"), videoFolder: nil)
  }

  @Test("lists of tasks: bounds, folders, missing tasks, clips in folders between")
  func tasks() throws {
    try write(
      entry("a.mp4", #", "start": 1.5, "end": 3"#), entry("a.mp4", #", "start": 4, "end": "5.5""#),
      entry("a.mp4", #", "start": 1.5, "end": 3"#), as: "action_sequence")
    try write(entry("v.mp4", #", "start": 1, "end": 2"#), as: "moving_count")
    try write(entry("show_clip_00", #", "start": -0.2, "end": 2"#), as: "episodic_reasoning")
    try write(entry("n.avi"), as: "fine_grained_pose")
    let asked = try read()
    let items = asked.list.items
    #expect(
      items.map(\.clip).prefix(3) == [
        "star/Charades_v1_480/a.mp4#t=1.5,3.0", "star/Charades_v1_480/a.mp4#t=4.0,5.5",
        "star/Charades_v1_480/a.mp4#t=1.5,3.0",
      ])
    #expect(Set(items.map(\.key)).count == 6)
    // Parts of a video follow each other, so that each is looked at once.
    #expect(
      asked.list.items(about: ["star/Charades_v1_480/a.mp4"]).map(\.key) == [0, 2, 1].map { items[$0].key })
    // A task without bounds has none, whatever its records have; images come three a second.
    #expect(
      items.map(\.video).suffix(3) == [
        "clevrer/video_validation/v.mp4", "nturgbd/n.avi", "tvqa/frames_fps3_hq/show_clip_00",
      ])
    #expect(items[3].bounds == nil && items[5].bounds?.start == 0 && items[5].imagesPerSecond == 3)
    #expect(
      asked.notes.count == 16 + 2
        && asked.notes.contains { $0.hasPrefix("Fine-grained Pose: there is no nturgbd") })
    #expect(asked.notes.contains { $0.hasPrefix("Character Order is missing") })
    let clips = folder.path("b/video")
    for name in ["star/star/Charades_v1_480/a.mp4", "data0613/clevrer/video_validation/v.mp4"] {
      _ = try folder.write([1], as: "b/video/\(name)")
    }
    let again = try read()
    #expect(again.clips.path(of: items[0].video) == "\(clips)/star/star/Charades_v1_480/a.mp4")
    #expect(again.clips.path(of: items[3].video) == "\(clips)/data0613/clevrer/video_validation/v.mp4")
    try again.requireAnyClip()
  }

  @Test("clips that were cut already are not cut again")
  func cut() throws {
    try write(entry("a_1_2.mp4"), as: "object_interaction")
    try FileManager.default.removeItem(atPath: folder.path("b/video/star"))
    try FileManager.default.createDirectory(
      atPath: folder.path("b/video/star/Charades_segment"), withIntermediateDirectories: true)
    let item = try #require(try read().list.items.first)
    #expect(item.video == "star/Charades_segment/a_1_2.mp4" && item.bounds == nil)
  }

  @Test("one list of all tasks")
  func single() throws {
    let json = """
      {"root": {"Action Count": "video/perception/videos/", "Own": "./own"},
       "meta": {"Action Count": [\(entry("a.mp4"))], "Own": [\(entry("b.mp4"))]}}
      """
    let path = try folder.write(json.utf8, as: "b/test.json")
    let asked = try BenchmarkQuestions.mvbench(path: path, videoFolder: nil)
    #expect(asked.list.items.map(\.video) == ["perception/videos/a.mp4", "own/b.mp4"])
    #expect(asked.list.items.map(\.task) == ["Action Count", "Own"])
    try FileManager.default.removeItem(atPath: folder.path("b/json"))
    #expect(try read().list == asked.list)
  }

  @Test(
    "what is wrong with a list is named",
    arguments: [
      (
        #"{"video": "../a", "question": "q", "candidates": ["y"], "answer": "y", "start": 1, "end": 2}"#,
        "video"
      ),
      (
        #"{"video": "/a", "question": "q", "candidates": ["y"], "answer": "y", "start": 1, "end": 2}"#,
        "video"
      ),
      (
        #"{"video": "a", "question": " ", "candidates": ["y"], "answer": "y", "start": 1, "end": 2}"#,
        "question"
      ),
      (
        #"{"video": "a", "question": "q", "candidates": [], "answer": "y", "start": 1, "end": 2}"#,
        "candidates"
      ),
      (
        #"{"video": "a", "question": "q", "candidates": ["y", null], "answer": "y", "start": 1, "end": 2}"#,
        "candidates"
      ),
      (
        #"{"video": "a", "question": "q", "candidates": ["y"], "answer": "x", "start": 1, "end": 2}"#,
        "answer"
      ),
      (#"{"video": "a", "question": "q", "candidates": ["y"], "answer": "y", "start": 3}"#, "end"),
      (
        #"{"video": "a", "question": "q", "candidates": ["y"], "answer": "y", "start": 3, "end": 2}"#,
        "entry 1"
      ),
      (
        #"{"video": "a", "question": "q", "candidates": ["y"], "answer": "y", "start": "x", "end": 2}"#,
        "start"
      ),
      ("3", "entry 1"),
    ])
  func refused(json: String, words: String) throws {
    let path = try folder.write("[\(json)]".utf8, as: "b/json/action_prediction.json")
    let error = #expect(throws: CogError.self) { try read() }
    #expect(error?.file == path && error?.subject?.contains(words) == true, "\(String(describing: error))")
  }

  @Test("folders and files that are no MVBench are refused")
  func foreign() throws {
    #expect(throws: CogError.self) { try read() }
    #expect(throws: CogError.self) {
      try BenchmarkQuestions.mvbench(path: folder.path("none"), videoFolder: nil)
    }
    for json in ["[]", #"{"root": {}, "meta": {"X": []}}"#, #"{"root": {"X": "../.."}, "meta": {"X": []}}"#] {
      let path = try folder.write(json.utf8, as: "test.json")
      let error = #expect(throws: CogError.self) {
        try BenchmarkQuestions.mvbench(path: path, videoFolder: nil)
      }
      #expect(error?.file == path)
    }
  }
}
