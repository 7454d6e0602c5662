import ArgumentParser
import CogBase
import CogCompute
import CogEngine
import CogEvaluate
import CogModel
import CogReport
import CogText
import Foundation

/// `cogvlm eval`: accuracy over a file of questions.
struct EvalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval", abstract: "Ask every question of a file and count the right answers.")

  @OptionGroup var options: ModelOptions

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
    try Mislabeled.refuse(questions, expected: "a JSON list of questions")
    let set = try MappedFile.withBytes(ofFile: questions) { try QuestionSet(json: $0, file: questions) }
    let engine = try Engine(file: options.open(comparesChecksums: true), mode: options.mode)
    let folder = videos ?? URL(filePath: questions).deletingLastPathComponent().appending(path: "videos").path
    // All questions of a video follow each other, so the features of one video are enough to keep.
    var seen: (video: String, features: FloatMatrix)?
    let result = try Evaluation.run(set) { question in
      if question.video.isEmpty {
        seen = nil
      } else if seen?.video != question.video {
        let frames = try FrameChoice(path: "\(folder)/\(question.video)", imagesPerSecond: nil)
          .sample(template: template ?? engine.configuration.template)
        seen = (question.video, try engine.features(of: frames.images))
      }
      let request = AnswerRequest(
        query: question.question, template: template, maximumNewTokens: maxNewTokens)
      let answer = try engine.answer(request, features: seen?.features)
      return (answer.text, answer.ids)
    }
    Terminal.print(json ? try JSONOutput.encode(result) : result.text)
  }
}
