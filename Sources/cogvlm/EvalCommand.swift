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

  @Option(
    help: ArgumentHelp("A JSON list of {video, task, question, candidates?, answer}.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var questions: String

  @Option(
    help: ArgumentHelp(
      "The folder of the videos; by default \"videos\" beside the questions.", valueName: "folder"),
    completion: .directory)
  var videos: String?

  @Option(help: "The most tokens of an answer.")
  var maxNewTokens = 24

  @Option(help: "Prompt template. The model's own by default.")
  var template: PromptTemplate?

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard maxNewTokens > 0 else { throw ValidationError("--max-new-tokens must be above 0.") }
  }

  func run() throws {
    let set = try QuestionSet.opened(questions, videoFolder: videos)
    let context = try runOptions.context()
    let engine = try Engine(
      file: options.open(context, comparesChecksums: true), mode: options.mode, context: context)
    let result = try Evaluation.run(
      set, engine: engine, template: template, options: AnswerOptions(maximumNewTokens: maxNewTokens)
    ) { try VideoInput.checked($0) }
    Terminal.print(json ? try JSONOutput.encode(result) : result.text)
  }
}
