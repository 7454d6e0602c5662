import CogBase
import CogEvaluate
import Testing

struct VideoSelectionTests {
  /// Seven entries about five videos, in the order b, a, c, d, e.
  private func set() throws -> QuestionSet {
    let entries = zip(["b", "a", "b", "c", "d", "a", "e"], ["1", "2", "2", "3", "1", "4", "4"]).map {
      #"{"video": "\#($0).mp4", "task": "t\#($1)", "question": "\#($1)?", "answer": "x"}"#
    }
    return try questionSet("[\(entries.joined(separator: ","))]")
  }

  @Test(
    "A split is written as one part of so many",
    arguments: [
      ("1/2", 1, 2), ("2/2", 2, 2), ("1/1", 1, 1), ("3/10", 3, 10),
    ])
  func spelling(text: String, number: Int, count: Int) {
    let split = VideoSplit(text)
    #expect(split?.number == number && split?.count == count)
  }

  @Test(
    "What is no split is none",
    arguments: ["", "/", "1", "0/2", "3/2", "1/0", "-1/2", "1/-2", "1/2/3", " 1/2", "1/99999999999999999999"])
  func wrongSpelling(text: String) { #expect(VideoSplit(text) == nil) }

  @Test("The parts of a split share no video, have all of them together, and differ by one at most")
  func split() throws {
    let set = try set()
    for count in 1...5 {
      let parts = try (1...count).map { number in
        try VideoSelection(split: VideoSplit("\(number)/\(count)")).videos(of: set)
      }
      #expect(parts.flatMap { $0 }.sorted() == set.videos.sorted())
      let sizes = parts.map(\.count)
      #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
    }
    #expect(try VideoSelection(split: VideoSplit("1/2")).videos(of: set) == ["b.mp4", "c.mp4", "e.mp4"])
  }

  @Test("A video must fit one pattern, none of the exceptions, and the part that it has among all videos")
  func conditions() throws {
    let set = try set()
    func videos(_ selection: VideoSelection) throws -> [String] { try selection.videos(of: set) }
    #expect(try videos(VideoSelection()) == set.videos)
    #expect(try videos(VideoSelection(only: ["a*", "[de].mp4"])) == ["a.mp4", "d.mp4", "e.mp4"])
    #expect(try videos(VideoSelection(except: ["a*", "?.avi"])) == ["b.mp4", "c.mp4", "d.mp4", "e.mp4"])
    // Not the first of those that fit the pattern: the halves share no video, whatever else is asked.
    let half = VideoSelection(only: ["[acd]*"], split: VideoSplit("2/2"))
    #expect(try videos(half) == ["a.mp4", "d.mp4"])
    #expect(half.description == "--only [acd]* --split 2/2" && !half.takesAll)
  }

  @Test("A selection that takes no video is an error that names what there is")
  func nothing() throws {
    let set = try set()
    for selection in [
      VideoSelection(only: ["x*"]), VideoSelection(except: ["*"]), VideoSelection(split: VideoSplit("6/6")),
    ] {
      let error = #expect(throws: CogError.self) { try set.taking(selection) }
      #expect(error?.subject == selection.description)
      #expect(error?.expected?.contains("b.mp4, a.mp4") == true)
    }
  }

  @Test("The questions of a selection keep the order of the file")
  func questions() throws {
    let set = try set()
    let taken = try set.taking(VideoSelection(only: ["[ab]*"]))
    #expect(taken.questions == [0, 1, 2, 5].map { set.questions[$0] })
    #expect(taken.videoFolder == set.videoFolder)
    let byVideo = taken.questionsByVideo(first: 3)
    #expect(byVideo.map(\.video) == ["b.mp4", "a.mp4"])
    #expect(byVideo.map { $0.questions.map(\.question) } == [["1?", "2?"], ["2?"]])
  }

  @Test("Every question is asked about every video, once each, and no file makes more than there is room for")
  func everyQuestion() throws {
    let asked = try set().everyQuestion(about: ["c.mp4", "b.mp4"])
    #expect(asked.map(\.video) == ["c.mp4", "b.mp4"])
    #expect(asked[0].questions == asked[1].questions)
    #expect(asked[0].questions == ["1", "2", "3", "4"].map { .init(task: "t\($0)", question: "\($0)?") })
    #expect(try set().everyQuestion(about: ["c.mp4"], first: 3)[0].questions.count == 2)
    let videos = (0...QuestionSet.mostQuestions / 4).map { "\($0)" }
    #expect(throws: CogError.self) { try set().everyQuestion(about: videos) }
  }
}
