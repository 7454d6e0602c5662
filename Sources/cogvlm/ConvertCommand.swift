import ArgumentParser
import CogBase
import CogQuantize
import CogReport

/// What a conversion reads and writes.
struct ConversionOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("A checkpoint folder or file, or a native float file.", valueName: "source"),
    completion: .file())
  var source: String

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The native file to write.", valueName: "file"),
    completion: .file(extensions: ["cogvlm"]))
  var output: String

  @Flag(help: "Keep tensors with NaN or infinite values as they are instead of stopping.")
  var keepNonFinite = false

  @Flag(help: "Print one JSON document.")
  var json = false

  /// Runs a conversion with a recipe and prints its summary.
  func run(_ recipe: QuantizationRecipe, allowsOverflow: Bool = false) throws {
    let model = try ModelSource.open(path: source)
    var options = Conversion.Options(tool: Version.tool, nonFinite: keepNonFinite ? .keep : .refuse)
    options.allowsOverflow = allowsOverflow
    let summary = try Conversion(source: model, recipe: recipe, options: options).run(writingTo: output)
    for warning in summary.warnings { Terminal.note("warning: \(warning)") }
    Terminal.print(json ? try JSONOutput.encode(summary) : summary.text(output: output))
  }
}

/// `cogvlm convert`: a checkpoint to a native float file.
struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Convert a checkpoint to one native file, in full precision.")

  @OptionGroup var options: ConversionOptions

  @Option(help: "Element type of the weights: source, bf16, f16 or f32.")
  var dtype: FloatChoice = .source

  @Flag(help: "Let values that F16 cannot hold become infinite.")
  var allowOverflow = false

  func run() throws {
    try options.run(QuantizationRecipe(floats: dtype.elementType), allowsOverflow: allowOverflow)
  }
}

/// Element types that `convert` stores.
enum FloatChoice: String, ExpressibleByArgument, CaseIterable {
  case source, bf16, f16, f32

  var elementType: ElementType? {
    switch self {
    case .source: nil
    case .bf16: .bfloat16
    case .f16: .float16
    case .f32: .float32
    }
  }
}
