import ArgumentParser
import CogBase
import CogInspect
import CogReport
import CogSources

/// `cogvlm diff`: how the tensors of one source differ from those of another.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Compare the tensors of two checkpoints or native files.",
    discussion: """
      The second one is the reference. Quantized tensors are compared by the values that they stand for, so \
      that a quantized file against its source shows what quantization did. With --fail-over, exits with 1 \
      when a tensor's relative L2 is above the limit, or tensors are missing or of other shapes.
      """)

  @Argument(
    help: ArgumentHelp(
      "What is compared: a checkpoint folder, index or file, or a native file.", valueName: "a"),
    completion: .file())
  var a: String

  @Argument(help: ArgumentHelp("The reference: the same.", valueName: "b"), completion: .file())
  var b: String

  @OptionGroup var filterOptions: TensorFilterOptions

  @Option(
    help: ArgumentHelp(
      "Exit with 1 when a tensor's relative L2 is above this, or tensors are missing.", valueName: "limit"))
  var failOver: Double?

  @OptionGroup var runOptions: RunOptions

  @OptionGroup var format: FormatOptions

  @Option(
    help: ArgumentHelp(
      "Write the report as one HTML file too; - prints it instead of the text.", valueName: "file"))
  var html: String?

  func validate() throws {
    if let failOver, !(failOver >= 0) { throw ValidationError("--fail-over takes a number of 0 or more.") }
    try ReportOutput.validate(html: html, json: format.json, csv: format.csv)
  }

  func run() throws {
    let stored = (a: try Input(path: a).tensors(), b: try Input(path: b).tensors())
    let output = try ReportOutput(
      html: html, besides: Input.places(of: a) + Input.places(of: b) + stored.a.files + stored.b.files)
    let diff = try TensorDiffPass.run(
      stored.a, stored.b, filter: filterOptions.filter, runOptions.context())
    let report = TensorDiffReport(diff, failOver: failOver)
    try output.write {
      try TensorDiffPage.page(report, stored: stored)
    } text: {
      try format.json ? JSONOutput.encode(report) : format.csv ? diff.csv : report.text
    }
    if report.passed == false { throw ExitCode(1) }
  }
}
