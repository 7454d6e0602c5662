import ArgumentParser
import CogBase
import CogCalibrate
import CogCompute
import CogEngine
import CogMedia
import CogModel
import CogNative
import CogReport
import CogSources

/// `cogvlm calibrate`: what the inputs of the linear layers are like over videos and prompts.
struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate", abstract: "Measure what goes into the linear layers, for quantization.",
    discussion: """
      The model, a native file with float or int8 weights, is shown every video and asked its questions; of \
      the input of every linear layer, mean, second moment and largest magnitude of each channel are kept, \
      apart for image and text tokens. Without --questions, built-in prompts are asked about every video of \
      the folder.
      """)

  @Argument(
    help: ArgumentHelp("The native model file (.cogvlm); none with --merge.", valueName: "model"),
    completion: .file(extensions: ["cogvlm"]))
  var model: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The calibration file to write (.cogcal).", valueName: "file"),
    completion: .file(extensions: ["cogcal"]))
  var output: String

  @OptionGroup var setOptions: CalibrationSetOptions

  @OptionGroup var frameOptions: FrameOptions

  @Option(help: "Prompt template. The model's own by default.")
  var template: PromptTemplate?

  @Option(help: "Arithmetic: float32, bfloat16 or fast, as in ask. Fast only where weights are quantized.")
  var mode: ComputeMode?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Add calibration files of one model instead, made with the same options; a video in two of them "
        + "counts twice.", valueName: "files"),
    completion: .file(extensions: ["cogcal"]))
  var merge: [String] = []

  @Flag(help: "Go on where an earlier run with the same model and options was stopped.")
  var resume = false

  @Flag(help: "Print one JSON document.")
  var json = false

  @OptionGroup var runOptions: RunOptions

  func validate() throws {
    guard merge.isEmpty else {
      guard merge.count > 1 else { throw ValidationError("--merge takes two files or more.") }
      let isAlone =
        model == nil && setOptions.isEmpty && template == nil && mode == nil && !resume
        && frameOptions.frames == nil && !frameOptions.tolerateDamage
      guard isAlone else {
        throw ValidationError("--merge goes with --output, --threads and --json alone, without a model.")
      }
      return
    }
    guard model != nil else { throw ValidationError("A model is missing, or files to --merge.") }
    try setOptions.validateComplete()
  }

  func run() throws {
    let summary =
      merge.isEmpty ? try calibrate() : try Calibration.merge(merge, to: output, tool: Version.tool)
    Terminal.print(json ? try JSONOutput.encode(summary) : summary.text)
    if !summary.failed.isEmpty { throw ExitCode(3) }
  }

  private func calibrate() throws -> CalibrationSummary {
    let set = try setOptions.set()
    let context = try runOptions.context()
    let file = try Input(path: model ?? "").nativeFile()
    try ContentCheck.checksums(of: file, context)
    let coarse = file.entries.map(\.encoding).first { $0.isQuantized && $0.bits < 8 }
    if let coarse {
      Terminal.note(
        "warning: \(file.path.printable): weights are \(coarse.label), and the moments are of what they "
          + "give; a float or int8 file is nearer to the model")
    }
    var options = CalibrationRun.Options(tool: Version.tool)
    (options.template, options.sampling) = (template, frameOptions.frames)
    (options.toleratesDamage, options.resumes) = (frameOptions.tolerateDamage, resume)
    options.inputs = [setOptions.questions].compactMap { $0 }
    let run = try CalibrationRun(set, options: options, threads: context.threads) { path in
      try VideoInput.checked(path, toleratesDamage: frameOptions.tolerateDamage)
    } engine: {
      try Engine(file: file, mode: mode, context: context, observer: $0)
    }
    do {
      return try run.run(to: output) { failure in
        Terminal.note("warning: \(failure.video.printable) is left out: \(failure.error)")
      }
    } catch let stopped as CalibrationRun.Stopped {
      throw StoppedWork(
        cause: stopped.cause,
        note: "note: \(stopped.finished) of \(stopped.total) videos are kept in \(stopped.part.printable); "
          + "to go on: \(Arguments.asGiven(adding: "--resume"))")
    }
  }
}
