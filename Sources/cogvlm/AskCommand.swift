import ArgumentParser
import CogBase
import CogCompute
import CogEngine
import CogMedia
import CogModel
import CogReport
import CogText

/// `cogvlm ask`: one question, with or without a video.
struct AskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ask", abstract: "Ask a question about a video, or without one.")

  @OptionGroup var options: ModelOptions
  @OptionGroup var runOptions: RunOptions
  @OptionGroup var videoOptions: VideoOptions
  @OptionGroup var frameOptions: FrameOptions

  @Argument(help: "The question.")
  var question: String

  @Option(help: "Prompt template. The model's own by default.")
  var template: PromptTemplate?

  @Option(
    name: .customLong("history"),
    help: ArgumentHelp(
      "An earlier turn as QUESTION=>ANSWER; give the option once for each, the oldest first.",
      valueName: "turn"))
  var turns: [String] = []

  @Option(help: "The most tokens to answer with.")
  var maxNewTokens = 256

  @Option(help: "0 takes the most likely token; above it, tokens are drawn.")
  var temperature = 0.0

  @Option(help: "Draw from the likeliest tokens whose probabilities reach this sum.")
  var topP = 1.0

  @Option(help: "Seed of the random numbers.")
  var seed: UInt64 = 0

  @Flag(help: "Print one JSON document: text, ids, frame times, token counts and seconds.")
  var json = false

  func validate() throws {
    guard maxNewTokens > 0 else { throw ValidationError("--max-new-tokens must be above 0.") }
    _ = try history()
    try frameOptions.validate(hasVideo: videoOptions.video != nil)
  }

  private func history() throws -> [Turn] {
    try turns.map { turn in
      let parts = turn.split(separator: "=>", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw ValidationError("--history takes QUESTION=>ANSWER, got: \(turn)") }
      return Turn(question: String(parts[0]), answer: String(parts[1]))
    }
  }

  func run() throws {
    for text in [question] + turns { try text.requireText("the question") }
    let answerOptions = AnswerOptions(
      maximumNewTokens: maxNewTokens,
      sampling: try SamplingOptions(temperature: temperature, topP: topP, seed: seed))
    let context = try runOptions.context()
    let start = ContinuousClock.now
    let engine = try Engine(file: options.open(context), mode: options.mode, context: context)
    let loaded = ContinuousClock.now
    let encoder = VideoEncoder(engine)
    let video = try videoOptions.input(frameOptions).map {
      try encoder.prepare($0, template: template, sampling: frameOptions.frames)
    }
    let decoded = ContinuousClock.now
    Terminal.noteDamage(in: videoOptions.video ?? "", video?.frames ?? [])
    let features = try video.map(encoder.encode)
    let encoded = ContinuousClock.now
    let conversation = Conversation(engine, about: features, template: template, history: try history())
    var isFirst = true
    let answer = try conversation.answer(question, options: answerOptions) { piece in
      guard !json, !piece.isEmpty else { return }
      // The model begins its answer with a space.
      Terminal.print(isFirst ? String(piece.trimmingPrefix(" ")) : piece, terminator: "")
      isFirst = false
      // The reader has closed the pipe.
      if Terminal.readerHasGone { throw ExitCode.success }
    }
    guard json else { return Terminal.print("") }
    let seconds = AskReport.Seconds(
      load: (loaded - start).seconds, video: (decoded - loaded).seconds, vision: (encoded - decoded).seconds,
      prefill: answer.prefillSeconds, decode: answer.decodeSeconds)
    Terminal.print(
      try JSONOutput.encode(
        AskReport(answer, features: features, mode: engine.compute.mode, seconds: seconds)))
  }
}
