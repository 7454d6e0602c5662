import ArgumentParser
import CogBase
import CogCompute
import CogEvaluate
import CogModel
import CogSources

/// What `verify --against` compares over.
struct ModelComparisonOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Compare with this native file instead of bundles, such as an int4 file with the BF16 one.",
      valueName: "file"))
  var against: String?

  @Option(help: "Arithmetic of the --against file; its own by default: bfloat16, of a quantized one fast.")
  var againstMode: ComputeMode?

  @Option(
    help: ArgumentHelp("The question to compare over, about --video if that is given.", valueName: "question")
  )
  var ask: String?

  @Option(
    help: ArgumentHelp("Questions to compare over: a JSON list as that of eval.", valueName: "file"))
  var questions: String?

  @Option(
    help: ArgumentHelp(
      "The folder of their videos; by default \"videos\" beside the questions.", valueName: "folder"))
  var videos: String?

  @Option(help: "Take only the first questions of the file.")
  var limit: Int?

  @Option(help: "Prompt template. The --against file's own by default.")
  var template: PromptTemplate?

  @Option(help: "The most tokens of an answer, 64 by default.")
  var maxNewTokens: Int?

  func validate(hasVideo: Bool) throws {
    guard against != nil else {
      let given: [Any?] = [againstMode, ask, questions, videos, limit, template, maxNewTokens]
      if given.contains(where: { $0 != nil }) {
        throw ValidationError(
          "--against-mode, --ask, --questions, --videos, --limit, "
            + "--template and --max-new-tokens go with --against."
        )
      }
      return
    }
    guard (ask == nil) != (questions == nil) else {
      throw ValidationError("--against needs a question with --ask, or a file of them with --questions.")
    }
    guard questions != nil || (videos == nil && limit == nil) else {
      throw ValidationError("--videos and --limit go with --questions.")
    }
    guard questions == nil || !hasVideo else {
      throw ValidationError("--video goes with --ask; the questions of a file name their videos.")
    }
    guard limit.map({ $0 > 0 }) ?? true, maxNewTokens.map({ $0 > 0 }) ?? true else {
      throw ValidationError("--limit and --max-new-tokens must be above 0.")
    }
  }

  /// One question and the video that it is about.
  struct Item {
    /// As the file or the option has it; nil without one.
    let video: String?
    /// Where the video is.
    let path: String
    let question: String
  }

  /// The questions, all of a video one after another.
  ///
  /// - Throws: ``CogError`` when the file of questions is not one.
  func items(video: String?) throws -> [Item] {
    try ask?.requireText("--ask")
    guard let questions else { return [Item(video: video, path: video ?? "", question: ask ?? "")] }
    let set = try QuestionSet.opened(questions, videoFolder: videos)
    let first = set.questions.count - max(0, set.questions.count - (limit ?? .max))
    return set.askingOrder.filter { $0 < first }.map { place in
      let question = set.questions[place]
      return Item(video: question.video, path: set.videoPath(of: question.video), question: question.question)
    }
  }
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
}
