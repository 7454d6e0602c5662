import CogBase

/// A question about a video whose answer is known.
package struct Question: Equatable, Sendable {
  /// The video's path, as the file has it.
  package let video: String
  /// What the question tries, such as "color"; accuracy is counted by it.
  package let task: String
  /// What is asked.
  package let question: String
  /// The answers to choose from, at least one; nil where the answer is free.
  package let candidates: [String]?
  /// The true answer.
  package let answer: String

  /// A question with its true answer.
  package init(video: String, task: String, question: String, candidates: [String]? = nil, answer: String) {
    self.video = video
    self.task = task
    self.question = question
    self.candidates = candidates
    self.answer = answer
  }
}

/// Questions in the order of their file: a JSON list of
/// `{"video", "task", "question", "candidates", "answer"}`, of which `candidates` may be
/// missing, null or empty.
package struct QuestionSet: Equatable, Sendable {
  /// The questions; never empty.
  package let questions: [Question]
  /// The folder of their videos.
  package let videoFolder: String

  init(questions: [Question], videoFolder: String) {
    (self.questions, self.videoFolder) = (questions, videoFolder)
  }

  /// Opens a question file.
  ///
  /// - Parameter videoFolder: the folder of the videos; nil takes `videos` beside the file.
  /// - Throws: as ``init(json:file:videoFolder:)``, and when the file cannot be read.
  package init(path: String, videoFolder: String? = nil) throws {
    self = try MappedFile.withBytes(ofFile: path) {
      try QuestionSet(json: $0, file: path, videoFolder: videoFolder)
    }
  }

  /// Reads a question file. Fields of other names are passed over.
  ///
  /// - Parameters:
  ///   - bytes: the file's bytes.
  ///   - file: its path, for errors and for where the videos are.
  ///   - videoFolder: the folder of the videos; nil takes `videos` beside the file.
  /// - Throws: `CogError` that names the entry, counted from 1, and the field: when the file is no JSON list,
  ///   is empty, lacks a field or has one of another type, or has a true answer that is none of the
  ///   candidates.
  package init(json bytes: UnsafeRawBufferPointer, file: String, videoFolder: String? = nil) throws {
    self.videoFolder =
      videoFolder ?? file.besidePath("videos")
    questions = try naming(file: file) {
      let root = try JSON.parse(bytes, what: "question file")
      guard let entries = root.elements else {
        throw CogError("the question file is no list", expected: "an array", found: root.kind)
      }
      guard !entries.isEmpty else { throw CogError("the question file has no questions") }
      return try entries.enumerated().map { try Question(entry: $1, number: $0 + 1) }
    }
  }

  /// Where a video of the file is: in the folder, unless the file has an absolute path.
  package func videoPath(of video: String) -> String {
    video.isAbsolutePath ? video : videoFolder.appendingPath(video)
  }

  /// The videos, each once, in the order in which they are asked about.
  package var videos: [String] {
    var known: Set<String> = []
    return questions.map(\.video).filter { known.insert($0).inserted }
  }

  /// The places of the questions in the order in which they are asked: all of a video's one after another,
  /// the videos and each one's questions in the order of the file.
  package var askingOrder: [Int] {
    let rankByVideo = Dictionary(videos.enumerated().map { ($1, $0) }) { first, _ in first }
    let ranks = questions.map { rankByVideo[$0.video] ?? 0 }
    return questions.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }
  }
}

extension Question {
  fileprivate init(entry: JSON, number: Int) throws {
    func text(_ key: String) throws -> String {
      guard let value = entry[key] else {
        throw CogError("a field is missing", subject: "entry \(number), \(key)", expected: "a text")
      }
      guard let text = value.text, text.contains(where: { !$0.isWhitespace }) else {
        throw CogError(
          "a field is wrong", subject: "entry \(number), \(key)", expected: "a text",
          found: value.text == nil ? value.kind : "an empty one")
      }
      return text
    }
    guard entry.members != nil else {
      throw CogError(
        "an entry is no object", subject: "entry \(number)", expected: "an object", found: entry.kind)
    }
    video = try text("video")
    task = try text("task")
    question = try text("question")
    answer = try text("answer")
    candidates = try Self.candidates(entry["candidates"] ?? .null, subject: "entry \(number), candidates")
    let trueAnswer = Scoring.comparable(answer)
    if let candidates, !candidates.contains(where: { Scoring.comparable($0) == trueAnswer }) {
      throw CogError(
        "the true answer is none of the candidates", subject: "entry \(number), answer",
        expected: candidates.joined(separator: ", "), found: answer)
    }
  }

  private static func candidates(_ value: JSON, subject: String) throws -> [String]? {
    if value == .null { return nil }
    guard let elements = value.elements else {
      throw CogError("a field is wrong", subject: subject, expected: "a list of texts", found: value.kind)
    }
    if elements.isEmpty { return nil }
    return try elements.map { element in
      guard let text = element.text, !Scoring.comparable(text).isEmpty else {
        throw CogError(
          "a candidate is wrong", subject: subject, expected: "a text",
          found: element.text == nil ? element.kind : "an empty one")
      }
      return text
    }
  }
}
