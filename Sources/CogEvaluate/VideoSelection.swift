import CogBase
import Glibc

/// One of several parts of a question set that share no video, such as the half that a calibration reads and
/// the half that it is measured on.
package struct VideoSplit: Equatable, Sendable {
  /// Which part, 1 to ``count``.
  package let number: Int
  /// How many parts there are.
  package let count: Int

  /// A part as the command line spells it: `1/2` is the first of two. Nil for anything else.
  package init?(_ text: String) {
    let fields = text.split(separator: "/", omittingEmptySubsequences: false).map { field in
      field.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(field) : nil
    }
    guard fields.count == 2, let number = fields[0], let count = fields[1], number >= 1, number <= count
    else { return nil }
    (self.number, self.count) = (number, count)
  }

  /// Whether the part has the video at a place among the videos of a set. They are dealt out one by one, the
  /// first to part 1, so that every part has videos of all kinds where those of a kind follow each other.
  package func takes(place: Int) -> Bool { place % count == number - 1 }
}

/// Which videos of a question set are meant: those that fit every condition that is given.
package struct VideoSelection: Equatable, Sendable {
  /// Patterns of names with `*`, `?` and `[...]` as in file names (`*` takes slashes too); a video, as the
  /// file has it, must fit one.
  package var only: [String]
  /// Patterns of names that a video must not fit.
  package var except: [String]
  /// The part that a video must be in, counted over all videos of the set, whatever their names.
  package var split: VideoSplit?

  /// A selection that takes every video, but for the conditions that are given.
  package init(only: [String] = [], except: [String] = [], split: VideoSplit? = nil) {
    (self.only, self.except, self.split) = (only, except, split)
  }

  /// Whether no condition is given.
  package var takesAll: Bool { only.isEmpty && except.isEmpty && split == nil }

  /// The videos of a set that are meant, in the order in which they are asked about.
  ///
  /// - Throws: `CogError` when there is none: a slip of the pen must not pass for a result.
  package func videos(of set: QuestionSet) throws -> [String] { try videos(among: set.videos) }

  /// Those of some videos that are meant. - Throws: as ``videos(of:)``.
  package func videos(among all: [String]) throws -> [String] {
    let selected = all.enumerated().filter { takes($0.element, place: $0.offset) }.map(\.element)
    guard selected.isEmpty else { return selected }
    throw CogError(
      "no video fits the selection", subject: description,
      expected: "videos among " + all.prefix(12).joined(separator: ", "))
  }

  private func takes(_ video: String, place: Int) -> Bool {
    func fits(_ pattern: String) -> Bool { fnmatch(pattern, video, 0) == 0 }
    return split.map { $0.takes(place: place) } ?? true
      && (only.isEmpty || only.contains(where: fits)) && !except.contains(where: fits)
  }
}

extension VideoSelection: CustomStringConvertible {
  /// The conditions as options of the command line.
  package var description: String {
    let parts = split.map { ["--split \($0.number)/\($0.count)"] } ?? []
    return (only.map { "--only \($0)" } + except.map { "--except \($0)" } + parts).joined(separator: " ")
  }
}

/// A video and what to ask about it, whatever the true answers are.
package struct VideoQuestions: Equatable, Sendable {
  /// One question.
  package struct Item: Equatable, Sendable {
    /// What the question tries; nil where that is not known.
    package let task: String?
    /// What is asked.
    package let question: String

    /// A question.
    package init(task: String? = nil, question: String) { (self.task, self.question) = (task, question) }

    fileprivate init(_ question: Question) { self.init(task: question.task, question: question.question) }
  }

  /// The video, as the file has it.
  package let video: String
  /// In the order of the file.
  package let questions: [Item]
}

extension QuestionSet {
  /// Far more than anybody waits for: a report of more answers would not fit in memory.
  package static let mostQuestions = 200_000

  /// The questions about the videos that are meant, in the order of the file.
  ///
  /// - Throws: as ``VideoSelection/videos(of:)``.
  package func taking(_ selection: VideoSelection) throws -> QuestionSet {
    guard !selection.takesAll else { return self }
    let taken = Set(try selection.videos(of: self))
    return QuestionSet(questions: questions.filter { taken.contains($0.video) }, videoFolder: videoFolder)
  }

  /// The questions of the file, each under its own video, the videos in the order in which they are asked
  /// about.
  ///
  /// - Parameter count: takes the file's first questions; nil takes all.
  package func questionsByVideo(first count: Int? = nil) -> [VideoQuestions] {
    let byVideo = Dictionary(grouping: questions.prefix(count ?? .max), by: \.video)
    return videos.compactMap { video in
      byVideo[video].map { VideoQuestions(video: video, questions: $0.map(VideoQuestions.Item.init)) }
    }
  }

  /// Every question of the file under each of some videos: far more than the file has true answers to. The
  /// videos share one list.
  ///
  /// - Parameters:
  ///   - videos: in the order in which they are asked about.
  ///   - count: takes the questions of the file's first entries; nil those of all. A question that several
  ///     entries have is asked once, under the first one's task.
  /// - Throws: `CogError` when that is more than ``mostQuestions``.
  package func everyQuestion(about videos: [String], first count: Int? = nil) throws -> [VideoQuestions] {
    var known: Set<String> = []
    let distinct = questions.prefix(count ?? .max).filter { known.insert($0.question).inserted }
    guard distinct.count <= Self.mostQuestions / max(1, videos.count) else {
      throw CogError(
        "every question about every video is too much to ask",
        expected: "at most \(Self.mostQuestions) questions together",
        found: "\(distinct.count) questions about \(videos.count) videos",
        advice: "Take fewer of them with --only, --split or --limit.")
    }
    let items = distinct.map(VideoQuestions.Item.init)
    return videos.map { VideoQuestions(video: $0, questions: items) }
  }
}
