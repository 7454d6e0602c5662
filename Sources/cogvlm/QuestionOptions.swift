import ArgumentParser
import CogBase
import CogEvaluate
import CogSources

/// Which videos of a question file a command works on.
struct VideoSelectionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Only videos whose name in the file fits, such as '*_h264*'; may be given several times.",
      valueName: "glob"))
  var only: [String] = []

  @Option(
    help: ArgumentHelp("Leave out videos whose name fits; may be given several times.", valueName: "glob"))
  var except: [String] = []

  @Option(
    help: ArgumentHelp(
      "Only one of several parts that share no video: 1/2 has the file's first, third, fifth video.",
      valueName: "k/n"),
    transform: { text in
      guard let split = VideoSplit(text) else {
        throw ValidationError("--split takes a part such as 1/2, got: \(text)")
      }
      return split
    })
  var split: VideoSplit?

  /// The conditions, all of which must be fulfilled.
  var selection: VideoSelection { VideoSelection(only: only, except: except, split: split) }
}

extension QuestionSet {
  /// The questions in a file that a user named; the videos are in `videoFolder`, or in `videos` beside the
  /// file.
  ///
  /// - Throws: ``CogError`` that names what the file is when it is something else, or what is wrong with it.
  static func opened(_ path: String, videoFolder: String?) throws -> QuestionSet {
    try Input(path: path).withBytes(expected: "a JSON list of questions") {
      try QuestionSet(json: $0, file: path, videoFolder: videoFolder)
    }
  }

  /// The questions in a file about the videos that are meant.
  ///
  /// - Throws: as ``opened(_:videoFolder:)``; ``CogError`` when no video is meant.
  static func opened(
    _ path: String, videoFolder: String?, taking options: VideoSelectionOptions
  ) throws -> QuestionSet {
    let set = try opened(path, videoFolder: videoFolder)
    return try naming(file: path) { try set.taking(options.selection) }
  }
}
