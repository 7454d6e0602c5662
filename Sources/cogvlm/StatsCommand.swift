import ArgumentParser
import CogBase
import CogInspect
import CogReport

/// `cogvlm stats`: figures of every element of every tensor.
struct StatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Show what the elements of tensors are: range, moments, outliers, entropy.",
    discussion: """
      Every element is read once. Figures of BF16 and F16 tensors are exact; where others are estimates, they are \
      marked with ~. Quantized tensors are measured by the values that they stand for.
      """)

  @Argument(help: ArgumentHelp("A checkpoint folder, index or file, or a native file.", valueName: "source"))
  var source: String

  @OptionGroup var filterOptions: TensorFilterOptions
  @OptionGroup var format: FormatOptions

  func run() throws {
    let report = try StatisticsPass.run(path: source, filter: filterOptions.filter)
    Terminal.print(try render(report))
  }

  private func render(_ report: StatisticsReport) throws -> String {
    if format.json { return try JSONOutput.encode(report) }
    return format.csv ? report.csv : report.text
  }
}
