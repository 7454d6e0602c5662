import ArgumentParser
import CogBase
import CogCalibrate
import CogCheckpoint
import CogCompute
import CogEngine
import CogInspect
import CogMedia
import CogModel
import CogNative
import CogReport
import CogSources

/// `cogvlm stats`: figures of every element of every tensor.
struct StatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Show what the elements of tensors are: range, moments, outliers, entropy.",
    discussion: """
      Every element is read once. Figures of BF16 and F16 tensors are exact; where others are estimates, \
      they are marked with ~. Quantized tensors are measured by the values that they stand for. With \
      --activations the model reads a prompt, and every layer's output is measured the same way. Of a \
      calibration file, the inputs of the linear layers are shown.
      """)

  @Argument(
    help: ArgumentHelp(
      "A checkpoint folder, index or file, a native file, or a calibration file.", valueName: "source"),
    completion: .file())
  var source: String

  @OptionGroup var filterOptions: TensorFilterOptions

  @Flag(help: "Run the model (a native file) on --ask and measure the output of every layer instead.")
  var activations = false

  @Option(name: .customLong("ask"), help: "The question of the prompt.")
  var question: String?

  @OptionGroup var videoOptions: VideoOptions

  @OptionGroup var frameOptions: FrameOptions

  @OptionGroup var runOptions: RunOptions

  @Option(help: "Arithmetic of the run: float32, bfloat16 or fast, as in ask.")
  var mode: ComputeMode?

  @Option(help: "Prompt template. The model's own by default.")
  var template: PromptTemplate?

  @OptionGroup var format: FormatOptions

  @Option(
    help: ArgumentHelp(
      "Write the report as one HTML file too; - prints it instead of the text.", valueName: "file"))
  var html: String?

  func validate() throws {
    try ReportOutput.validate(html: html, json: format.json, csv: format.csv)
    if activations {
      if question == nil { throw ValidationError("--activations needs a question: --ask QUESTION.") }
    } else if question != nil || videoOptions.video != nil || mode != nil || template != nil {
      throw ValidationError("--ask, --video, --mode and --template go with --activations.")
    }
    try videoOptions.validate(hasVideo: videoOptions.video != nil)
    try frameOptions.validate(hasVideo: videoOptions.video != nil)
  }

  func run() throws {
    try question?.requireText("--ask")
    let filter = filterOptions.filter
    let context = try runOptions.context()
    if case .file(let file) = try Input(path: source).place, !activations, Calibration.recognizes(file) {
      return try showCalibration(file, filter)
    }
    let stored = activations ? nil : try Input(path: source).tensors()
    let output = try ReportOutput(
      html: html,
      besides: Input.places(of: source) + [videoOptions.video].compactMap { $0 } + (stored?.files ?? []))
    let report =
      try stored.map {
        try StatisticsPass.run($0, filter: filter, context)
      } ?? measureActivations(filter, context)
    try output.write {
      try StatisticsPage.page(
        report, stored: stored, budget: (stored as? NativeFile)?.metadata.recipe.budget)
    } text: {
      try render(report)
    }
  }

  private func showCalibration(_ file: RecognizedFile, _ filter: TensorFilter) throws {
    let output = try ReportOutput(html: html, besides: [source])
    var report = CalibrationReport(try Calibration(file.mapped()), path: source)
    report.inputs = try filter.select(from: report.inputs, of: source) {
      ($0.name, $0.part.rawValue)
    }
    try output.write {
      try CalibrationPage.page(report)
    } text: {
      if format.json { return try JSONOutput.encode(report) }
      return format.csv ? report.csv : report.text
    }
  }

  private func measureActivations(_ filter: TensorFilter, _ context: RunContext) throws -> StatisticsReport {
    let engine = try Engine(file: Input(path: source).nativeFile(), mode: mode, context: context)
    let video = try videoOptions.input(frameOptions).map {
      try VideoEncoder(engine).prepare($0, template: template, sampling: frameOptions.frames)
    }
    Terminal.noteDamage(in: videoOptions.video ?? "", video?.frames ?? [])
    return try ActivationStatistics(engine: engine, filter: filter).run(
      query: question ?? "", template: template, video: video, path: source)
  }

  private func render(_ report: StatisticsReport) throws -> String {
    if format.json { return try JSONOutput.encode(report) }
    return format.csv ? report.csv : report.text
  }
}
