import ArgumentParser
import CogBase
package import CogQuantize

/// `cogvlm convert`: a checkpoint to a native float file, or anything to a checkpoint.
struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Convert a checkpoint to one native file, or a native file back.")

  @OptionGroup var options: ConversionOptions

  @Option(
    help: ArgumentHelp(
      "What to write: \(OutputFormat.all.map(\.name).joined(separator: " or ")).", valueName: "format"),
    completion: .list(OutputFormat.all.map(\.name)))
  var to = OutputFormat.all[0]

  @Option(help: "Element type of the weights: source, bf16, f16 or f32.")
  var dtype: FloatChoice = .source

  @Option(
    help: ArgumentHelp(
      "With --to safetensors: bytes of tensors in one file, such as 800MiB; 5GB by default.",
      valueName: "size"))
  var shardSize: ByteSize?

  func validate() throws {
    guard to.hasShards || shardSize == nil else {
      throw ValidationError("--shard-size goes with --to safetensors.")
    }
    guard dtype == .f16 || !options.allowOverflow else {
      throw ValidationError("--allow-overflow goes with --dtype f16.")
    }
  }

  func run() throws {
    var settings = OutputFormat.Settings()
    if let shardSize { settings.shardSize = shardSize.bytes }
    // What was quantized is expanded where the format has no quantized tensors, or a type is asked for.
    try options.run(
      QuantizationRecipe(floats: dtype.elementType), into: to.makeSink(options.output, settings),
      expands: !to.holdsQuantized || dtype != .source)
  }
}

extension OutputFormat: ExpressibleByArgument {
  package init?(argument: String) {
    guard let format = OutputFormat.named(argument) else { return nil }
    self = format
  }

  package static var allValueStrings: [String] { all.map(\.name) }
  package var defaultValueDescription: String { name }
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
