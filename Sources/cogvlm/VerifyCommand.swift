import ArgumentParser
import CogNative
import CogVerify

/// `cogvlm verify`: the model against reference bundles, or against another native file.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compare every layer and the answers with what PyTorch computed, or with another native file.",
    discussion: """
      For each tap two errors are given: accumulated (the engine ran alone from the input) and isolated \
      (that layer was given the reference's input). Exits with 1 when a reference does not pass.
      """)

  @OptionGroup var options: ModelOptions

  @OptionGroup var runOptions: RunOptions

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Reference bundles (NAME.f32.safetensors).", valueName: "file"),
    completion: .file(extensions: ["safetensors"]))
  var reference: [String] = []

  @OptionGroup var comparison: ModelComparisonOptions

  @OptionGroup var videoOptions: VideoOptions

  @OptionGroup var frameOptions: FrameOptions

  @OptionGroup var limits: ToleranceOptions

  @Option(
    help: ArgumentHelp(
      "Write the report as one HTML file too; - prints it instead of the text.", valueName: "file"),
    completion: .file(extensions: ["html"]))
  var html: String?

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard reference.isEmpty != (comparison.against == nil) else {
      throw ValidationError("Give bundles with --reference, or another native file with --against.")
    }
    try comparison.validate(hasVideo: videoOptions.video != nil)
    try ReportOutput.validate(html: html, json: json)
    try videoOptions.validate(hasVideo: videoOptions.video != nil)
    try frameOptions.validate(hasVideo: videoOptions.video != nil || comparison.questions != nil)
  }

  func run() throws {
    let context = try runOptions.context()
    let file = try options.open(context, comparesChecksums: true)
    let output = try ReportOutput(html: html, besides: inputs())
    guard let against = comparison.against else { return try compareBundles(file, to: output, context) }
    try compare(file, with: against, to: output, context)
  }

  /// What is read beside what the system has.
  private func inputs() throws -> [String] {
    let named = [comparison.against, comparison.questions, videoOptions.video].compactMap { $0 }
    let videos = try comparison.against.map { _ in try comparison.items(video: videoOptions.video) } ?? []
    return [options.model] + reference + reference.compactMap(ReferenceBundle.framesPath) + named
      + Set(videos.map(\.path)).sorted()
  }

  /// Ends the command behind its report.
  ///
  /// - Throws: the interrupt, if there was one; `ExitCode` 1 when something compared did not pass, 3 when
  ///   something could not be compared.
  func finish(_ interrupt: Interruption.Interrupted?, passed: Bool, isComplete: Bool) throws {
    if let interrupt { throw interrupt }
    if !passed { throw ExitCode(1) }
    if !isComplete { throw ExitCode(3) }
  }
}
