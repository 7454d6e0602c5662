import ArgumentParser
import CogBase
import CogCompute
import CogEngine
import CogMedia
import CogModel
import CogReport
import CogText

/// `cogvlm ask`: questions, with or without a video.
struct AskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ask", abstract: "Ask questions about a video, or without one.",
    discussion: """
      The video is looked at once, whatever the number of questions; none is told of the others. Without a \
      question, on a terminal, questions are typed.
      """)

  @OptionGroup var options: ModelOptions
  @OptionGroup var runOptions: RunOptions
  @OptionGroup var videoOptions: VideoOptions
  @OptionGroup var frameOptions: FrameOptions
  @OptionGroup var cacheOptions: CacheOptions
  @OptionGroup var segmentOptions: SegmentOptions

  @Argument(help: ArgumentHelp("The questions.", valueName: "question"))
  var questions: [String] = []

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

  @Option(help: "Draw from the likeliest tokens whose probabilities reach this sum; 1 by default.")
  var topP: Double?

  @Option(help: "Seed of the random numbers; 0 by default.")
  var seed: UInt64?

  @Flag(help: "Print one JSON document: text, ids, frame times, token counts and seconds.")
  var json = false

  func validate() throws {
    guard maxNewTokens > 0 else { throw ValidationError("--max-new-tokens must be above 0.") }
    guard try history().isEmpty || template?.takesHistory ?? true else {
      throw ValidationError("--history does not go with the template base, which has no place for it.")
    }
    _ = try asUsage { try sampling() }
    guard !questions.isEmpty || (Terminal.isInteractive && !json) else {
      throw ValidationError("A question is missing.")
    }
    // A video may be named later where questions are typed.
    let mayHaveVideo = videoOptions.video != nil || questions.isEmpty
    try videoOptions.validate(hasVideo: mayHaveVideo)
    try frameOptions.validate(hasVideo: mayHaveVideo)
    guard mayHaveVideo || cacheOptions.cache == nil else {
      throw ValidationError("--cache goes with a video.")
    }
    guard segmentOptions.segments == nil || (videoOptions.video != nil && questions.count == 1) else {
      throw ValidationError("--segments goes with --video and one question.")
    }
  }

  private func sampling() throws -> SamplingOptions {
    try SamplingOptions(temperature: temperature, topP: topP ?? 1, seed: seed ?? 0)
  }

  func history() throws -> [Turn] {
    try turns.map { turn in
      let parts = turn.split(separator: "=>", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw ValidationError("--history takes QUESTION=>ANSWER, got: \(turn)") }
      return Turn(question: String(parts[0]), answer: String(parts[1]))
    }
  }

  func run() throws {
    for text in questions + turns { try text.requireText("the question") }
    let answerOptions = AnswerOptions(
      maximumNewTokens: maxNewTokens,
      sampling: try sampling())
    if temperature == 0, topP != nil || seed != nil {
      Terminal.note("note: --top-p and --seed decide nothing without a --temperature above 0.")
    }
    try segmentOptions.requireOutput(besides: inputs)
    let context = try runOptions.context()
    let start = ContinuousClock.now
    let engine = try Engine(file: options.open(context), mode: options.mode, context: context)
    let loaded = ContinuousClock.now
    if questions.isEmpty { return try converse(engine, answerOptions) }
    if let seconds = segmentOptions.segments, let video = try videoOptions.input(frameOptions) {
      return try ask(windowsOf: seconds, video, engine, answerOptions)
    }
    let (features, video, vision) = try look(engine)
    let conversation = Conversation(engine, about: features, template: template, history: try history())
    var answers: [Answer] = []
    let outcome = Result { try answer(questions, in: conversation, answerOptions, into: &answers) }
    // What was answered is told, whatever became of the questions after it.
    if json, let first = answers.first {
      let seconds = AskReport.Seconds(
        load: (loaded - start).seconds, video: video, vision: vision, prefill: first.prefillSeconds,
        decode: first.decodeSeconds)
      Terminal.print(
        try JSONOutput.encode(
          AskReport(answers, to: questions, features: features, mode: engine.compute.mode, seconds: seconds)))
    }
    try outcome.get()
  }

  private func answer(
    _ questions: [String], in conversation: Conversation, _ options: AnswerOptions,
    into answers: inout [Answer]
  ) throws {
    for question in questions {
      var printer = AnswerPrinter()
      let answer = try conversation.answer(question, options: options) { piece in
        if !json { try printer.print(piece) }
      }
      if !json { Terminal.print("") }
      answers.append(answer)
    }
  }

  /// What the model is given of the video, and the seconds that decoding it and looking at it took; nil
  /// without a video.
  private func look(_ engine: Engine) throws -> (VideoFeatures?, video: Double, vision: Double) {
    guard let input = try videoOptions.input(frameOptions) else {
      try requireRoom(frameCount: 0, engine)
      return (nil, 0, 0)
    }
    let (features, video, vision) = try look(at: input, engine, cache: cacheOptions.open())
    return (features, video, vision)
  }

  /// The same for a video that is given.
  func look(
    at input: VideoInput, _ engine: Engine, cache: FeatureCache?
  ) throws -> (features: VideoFeatures, video: Double, vision: Double) {
    let start = ContinuousClock.now
    if let cache {
      let encoder = VideoEncoder(engine, cache: cache)
      let features = try encoder.encode(input, template: template, sampling: frameOptions.frames) {
        try requireRoom(frameCount: $0, engine)
      }
      Terminal.noteDamage(in: input.path, features.frames)
      return (features, 0, (ContinuousClock.now - start).seconds)
    }
    let encoder = VideoEncoder(engine)
    let video = try encoder.prepare(input, template: template, sampling: frameOptions.frames) {
      try requireRoom(frameCount: $0, engine)
    }
    let decoded = ContinuousClock.now
    Terminal.noteDamage(in: input.path, video.frames)
    let features = try encoder.encode(video)
    return (features, (decoded - start).seconds, (ContinuousClock.now - decoded).seconds)
  }

  /// Makes sure that every question can be asked, before any work is done for one.
  func requireRoom(frameCount: Int, _ engine: Engine) throws {
    try engine.requireRoom(for: questions, template: template, frameCount: frameCount, history: history())
  }
}

/// Prints an answer as it grows.
struct AnswerPrinter {
  private var isFirst = true

  /// Prints a piece.
  ///
  /// - Throws: `ExitCode` 0 when the reader has closed the pipe.
  mutating func print(_ piece: String) throws {
    guard !piece.isEmpty else { return }
    // The model begins its answer with a space.
    Terminal.print(isFirst ? String(piece.trimmingPrefix(" ")) : piece, terminator: "")
    isFirst = false
    if Terminal.readerHasGone { throw ExitCode.success }
  }
}
