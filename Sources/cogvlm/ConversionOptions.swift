import ArgumentParser
import CogBase
import CogCompute
import CogModel
import CogQuantize
import CogReport

/// What a conversion reads and writes.
struct ConversionOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("A checkpoint folder or file, or a native file.", valueName: "source"),
    completion: .file())
  var source: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The native file to write, or the folder of a checkpoint.", valueName: "file"),
    completion: .file(extensions: ["cogvlm"]))
  var output: String

  @Flag(help: "Keep tensors with NaN or infinite values as they are instead of stopping.")
  var keepNonFinite = false

  @Flag(help: "Where F16 is written: let values that it cannot hold become infinite.")
  var allowOverflow = false

  @Flag(help: "Leave out tensors that the model does not have instead of stopping.")
  var allowExtra = false

  @Flag(help: "Go on where an earlier run with the same source and options was stopped.")
  var resume = false

  @Flag(help: "Print one JSON document.")
  var json = false

  @OptionGroup var runOptions: RunOptions

  /// Runs a conversion with a recipe and prints its summary.
  ///
  /// - Parameters:
  ///   - expands: whether quantized tensors of the source are taken for their values.
  ///   - inputs: what is read besides the source.
  ///   - completing: gives the recipe what follows from the open source; nil leaves it as it is.
  func run(
    _ recipe: QuantizationRecipe, into sink: any ModelSink, expands: Bool = false,
    refusesZeros: Bool = false, inputs: [String] = [],
    completing: ((inout QuantizationRecipe, ModelSource, RunContext) throws -> Void)? = nil
  ) throws {
    let model = try ModelSource.open(path: source, expands: expands, allowsExtra: allowExtra)
    var options = Conversion.Options(tool: Version.tool, nonFinite: keepNonFinite ? .keep : .refuse)
    options.allowsOverflow = allowOverflow
    options.refusesZeros = refusesZeros
    options.resumes = resume
    options.inputs = inputs
    try options.requirePlace(of: sink, besides: model)
    let context = try runOptions.context()
    var recipe = recipe
    try completing?(&recipe, model, context)
    let conversion = try Conversion(source: model, recipe: recipe, options: options, context: context)
    do {
      let summary = try conversion.run(into: sink)
      for warning in summary.warnings { Terminal.note("warning: \(warning)") }
      Terminal.print(json ? try JSONOutput.encode(summary) : summary.text(output: output))
    } catch let stopped as Conversion.Stopped {
      throw StoppedWork(
        cause: stopped.cause,
        note: "note: \(stopped.finished) of \(stopped.total) tensors are kept in \(stopped.part.printable); "
          + "to go on: \(Arguments.asGiven(adding: "--resume"))")
    }
  }
}
