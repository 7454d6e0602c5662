import ArgumentParser
import CogBase
import CogCompute
import CogEvaluate
import CogModel

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

  @OptionGroup var selection: VideoSelectionOptions

  @Option(help: "Take only the first questions of the file.")
  var limit: Int?

  @Flag(help: "Ask every question of the file about every video that is taken, not only about its own.")
  var everyQuestion = false

  @Option(help: "Prompt template. The --against file's own by default.")
  var template: PromptTemplate?

  @Option(help: "The most tokens of an answer, 64 by default.")
  var maxNewTokens: Int?

  func validate(hasVideo: Bool) throws {
    guard against != nil else {
      let given: [Any?] = [againstMode, ask, questions, videos, limit, template, maxNewTokens]
      if given.contains(where: { $0 != nil }) || everyQuestion || !selection.selection.takesAll {
        throw ValidationError(
          "--against-mode, --ask, --questions, --videos, --only, --except, --split, --limit, "
            + "--every-question, --template and --max-new-tokens go with --against."
        )
      }
      return
    }
    guard (ask == nil) != (questions == nil) else {
      throw ValidationError("--against needs a question with --ask, or a file of them with --questions.")
    }
    let selects = !selection.selection.takesAll || everyQuestion
    guard questions != nil || (videos == nil && limit == nil && !selects) else {
      throw ValidationError(
        "--videos, --only, --except, --split, --limit and --every-question go with --questions.")
    }
    guard questions == nil || !hasVideo else {
      throw ValidationError("--video goes with --ask; the questions of a file name their videos.")
    }
    guard limit.map({ $0 > 0 }) ?? true, maxNewTokens.map({ $0 > 0 }) ?? true else {
      throw ValidationError("--limit and --max-new-tokens must be above 0.")
    }
  }

  /// A video, and what is asked about it.
  struct Item {
    /// As the file or the option has it; nil without one.
    let video: String?
    /// Where the video is.
    let path: String
    let questions: [VideoQuestions.Item]
  }

  /// What is asked, video by video.
  ///
  /// - Throws: ``CogError`` when the file of questions is not one, or has no video that is meant.
  func items(video: String?) throws -> [Item] {
    try ask?.requireText("--ask")
    guard let questions else {
      return [Item(video: video, path: video ?? "", questions: [.init(question: ask ?? "")])]
    }
    let set = try QuestionSet.opened(questions, videoFolder: videos)
    return try naming(file: questions) { try asked(of: set) }.map { asked in
      Item(video: asked.video, path: set.videoPath(of: asked.video), questions: asked.questions)
    }
  }

  private func asked(of set: QuestionSet) throws -> [VideoQuestions] {
    guard everyQuestion else { return try set.taking(selection.selection).questionsByVideo(first: limit) }
    return try set.everyQuestion(about: selection.selection.videos(of: set), first: limit)
  }
}
