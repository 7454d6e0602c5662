import CogBase
package import CogEvaluate

/// The videos that a model is calibrated with, and what it is asked about each.
package struct CalibrationSet: Equatable, Sendable {
  /// A video and its prompts.
  package struct Clip: Equatable, Sendable {
    /// The video as the question file names it, or its name in the folder.
    package let name: String
    /// Where it is.
    package let path: String
    /// What is asked, in order; never empty.
    package let questions: [String]

    /// A video and what is asked about it.
    package init(name: String, path: String, questions: [String]) {
      (self.name, self.path, self.questions) = (name, path, questions)
    }
  }

  /// The videos, each once, in the order in which the model is shown them; never empty.
  package let clips: [Clip]

  /// Prompts of all clips together.
  package var promptCount: Int { clips.reduce(0) { $0 + $1.questions.count } }

  /// A set of its videos; at least one, each with a question.
  package init(clips: [Clip]) { self.clips = clips }

  /// The videos of a question set, in the order in which it asks about them, each with its questions. True
  /// answers do not matter.
  package init(_ questions: QuestionSet) {
    clips = questions.questionsByVideo().map {
      Clip(name: $0.video, path: questions.videoPath(of: $0.video), questions: $0.questions.map(\.question))
    }
  }

  /// Every file of a folder that is not hidden, by its name's bytes, each with ``builtInQuestions``. Whether
  /// a file is a video shows when it is opened; what lies in folders of the folder is left out.
  ///
  /// - Throws: `CogError` when the folder cannot be read, or has no file.
  package init(folder: String) throws {
    let names = try FolderListing.visibleNames(in: folder).filter {
      FileSystem.status(of: folder.appendingPath($0))?.isRegular == true
    }
    guard !names.isEmpty else {
      throw CogError(
        "the folder has no videos", file: folder, expected: "video files", found: "no file",
        advice: "Give the folder of the videos with --videos.")
    }
    clips = names.sorted { $0.pathBytes.lexicographicallyPrecedes($1.pathBytes) }.map {
      Clip(name: $0, path: folder.appendingPath($0), questions: Self.builtInQuestions)
    }
  }

  /// What is asked about every video where there are no questions: what people ask about videos, in words of
  /// several kinds, so that the text that a model reads is not all alike.
  package static let builtInQuestions = [
    "Describe what happens in this video.",
    "How many people or things can be seen, and what are they?",
    "Which colors can be seen, and what has them?",
    "What happens first, what comes after it, and how does it end?",
    "In which direction does anything move?",
    "Does anything change, and at which second?",
    "Where was this filmed, and what is in the background?",
    "Sum up the video in one sentence.",
  ]
}
