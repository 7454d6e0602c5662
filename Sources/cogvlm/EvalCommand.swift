import ArgumentParser
import CogBase
import CogCompute
import CogEngine
import CogEvaluate
import CogMedia
import CogModel
import CogReport

/// `cogvlm eval`: accuracy over a file of questions.
struct EvalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval", abstract: "Ask every question of a file and count the right answers.")

  @OptionGroup var options: ModelOptions
  @OptionGroup var runOptions: RunOptions
  @OptionGroup var frameOptions: FrameOptions
  @OptionGroup var cacheOptions: CacheOptions

  @Option(
    help: ArgumentHelp(
      "A JSON list of {video, task, question, candidates?, answer}, or what the benchmark has.",
      valueName: "file"),
    completion: .file())
  var questions: String

  @OptionGroup var benchmarkOptions: BenchmarkOptions

  @Option(
    help: ArgumentHelp(
      "The folder of the videos; by default \"videos\" beside the questions, for MVBench \"video\".",
      valueName: "folder"),
    completion: .directory)
  var videos: String?

  @OptionGroup var selection: VideoSelectionOptions

  @Option(help: "The most tokens of an answer. By default 24, or what suits the benchmark.")
  var maxNewTokens: Int?

  @Option(help: "Prompt template. The model's own by default.")
  var template: PromptTemplate?

  @OptionGroup var folderOptions: RunFolderOptions

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard maxNewTokens ?? 1 > 0 else { throw ValidationError("--max-new-tokens must be above 0.") }
    guard folderOptions.run != nil || benchmarkOptions.isPlain else {
      throw ValidationError("--benchmark and --prompt-profile go with --run FOLDER.")
    }
    guard !(folderOptions.plan && json) else { throw ValidationError("--plan does not go with --json.") }
  }

  func run() throws {
    if let path = folderOptions.run { return try run(in: path) }
    let set = try QuestionSet.opened(questions, videoFolder: videos, taking: selection)
    let context = try runOptions.context()
    let engine = try Engine(
      file: options.open(context, comparesChecksums: true), mode: options.mode, context: context)
    var evaluation = Evaluation(set)
    var told: Set<String> = []
    do {
      try ask(&evaluation, engine, &told)
    } catch let interrupt as Interruption.Interrupted {
      // What was answered until then may have taken hours.
      try finish(evaluation, &told)
      throw interrupt
    }
    try finish(evaluation, &told)
    if evaluation.result.failed > 0 { throw ExitCode(3) }
  }

  private func ask(_ evaluation: inout Evaluation, _ engine: Engine, _ told: inout Set<String>) throws {
    try evaluation.checkVideos(
      engine: engine, template: template, sampling: frameOptions.frames, openVideo: openVideo)
    tellFailures(of: evaluation, &told)
    try evaluation.run(
      engine: engine, template: template, sampling: frameOptions.frames,
      options: answerOptions, cache: cacheOptions.open(), openVideo: openVideo)
  }

  /// How answers are made.
  var answerOptions: AnswerOptions {
    AnswerOptions(maximumNewTokens: maxNewTokens ?? benchmarkOptions.benchmark.maxNewTokens)
  }

  /// The video at a path.
  func openVideo(_ path: String) throws -> VideoInput {
    try VideoInput.checked(path, toleratesDamage: frameOptions.tolerateDamage)
  }

  private func finish(_ evaluation: Evaluation, _ told: inout Set<String>) throws {
    tellFailures(of: evaluation, &told)
    Terminal.print(json ? try JSONOutput.encode(evaluation.result) : evaluation.result.text)
  }

  /// Notes why questions cannot be asked, each reason once.
  private func tellFailures(of evaluation: Evaluation, _ told: inout Set<String>) {
    let errors = evaluation.result.answers.compactMap(\.error)
    for error in errors where told.insert(error).inserted {
      let count = errors.count { $0 == error }
      Terminal.note("warning: failed questions: \(count): \(error)")
    }
  }
}
