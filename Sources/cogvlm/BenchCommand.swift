import ArgumentParser
import CogBase
package import CogBench
import CogCompute
import CogQuantize
import CogReport
import Glibc

extension ModelPreset: ExpressibleByArgument {}

/// `cogvlm bench`: how fast a model runs here, and how near to what this machine can do.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure how fast a model runs on this machine.",
    discussion: """
      Without a model, random weights in the shapes of --preset are written to a temporary file, which is \
      removed as soon as it is open. Figures are medians of the runs, the smallest and the largest beside. \
      Shares compare with what the machine reached just before in loops that do nothing else.
      """)

  @Argument(
    help: ArgumentHelp("The native model file (.cogvlm); a synthetic one by default.", valueName: "model"),
    completion: .file(extensions: ["cogvlm"]))
  var model: String?

  @Option(
    help:
      "Shapes of the synthetic model: full (published), language (Llama-3-8B), medium (about 1/16) or tiny.")
  var preset: ModelPreset?

  @Option(
    help: """
      Encodings of the synthetic model: \(QuantizationRecipe.presets.joined(separator: ", ")), or bf16, f16 \
      or f32 throughout.
      """)
  var recipe: String?

  @Option(help: "Layers of the synthetic language model, where the preset's are too many for the memory.")
  var layers: Int?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "An exception for the synthetic model, such as 'lm_head.weight=int4/64'; may be given several times.",
      valueName: "pattern=encoding"))
  var overrides: [String] = []

  @Option(
    help: ArgumentHelp("Leave the synthetic model in this file, for further runs.", valueName: "file"),
    completion: .file(extensions: ["cogvlm"]))
  var keep: String?

  @Option(help: "Tokens of the prompt.")
  var promptTokens = 512

  @Option(help: "Tokens to make one by one; 0 leaves that out.")
  var newTokens = 32

  @Option(help: "Frames to look at; 0 leaves that out.")
  var frames = 4

  @Flag(help: "Make the new tokens from an empty context, as llama-bench does, not after the prompt.")
  var emptyContext = false

  @OptionGroup var runOptions: RunOptions

  @Option(help: "Arithmetic: float32, bfloat16 or fast. The engine's choice by default.")
  var mode: ComputeMode?

  @Option(help: "Runs that count, after a short one that warms up.")
  var runs = 3

  @Flag(help: "Print one JSON document, in bytes, seconds and operations.")
  var json = false

  func validate() throws {
    let limit = 1 << 20
    guard (1...limit).contains(promptTokens), (0...limit).contains(newTokens) else {
      throw ValidationError("--prompt-tokens must be 1 or more, --new-tokens 0 or more.")
    }
    guard (0...1024).contains(frames) else { throw ValidationError("--frames must be from 0 to 1024.") }
    guard (1...1000).contains(runs) else { throw ValidationError("--runs must be from 1 to 1000.") }
    guard layers.map({ (1...4096).contains($0) }) ?? true else {
      throw ValidationError("--layers must be from 1 to 4096.")
    }
    guard
      model == nil || (preset == nil && recipe == nil && layers == nil && overrides.isEmpty && keep == nil)
    else {
      throw ValidationError(
        "--preset, --recipe, --layers, --set and --keep go with a synthetic model, not with a file.")
    }
    _ = try asUsage { try encodings() }
  }

  func run() throws {
    var benchmark = Benchmark(context: try runOptions.context())
    benchmark.promptTokens = promptTokens
    benchmark.newTokens = newTokens
    benchmark.frames = frames
    benchmark.runs = runs
    benchmark.decodesAfterPrompt = !emptyContext
    benchmark.mode = mode
    let report =
      try model.map { try benchmark.run(path: $0, name: $0) } ?? runSynthetic(benchmark)
    Terminal.print(try json ? JSONOutput.encode(report) : report.text)
  }

  private static var temporaryPath: String {
    let folder = getenv("TMPDIR").map {
      String(pathBytes: UnsafeRawBufferPointer(start: $0, count: strlen($0)))
    }
    let name = "cogvlm-bench-\(String(UInt64.random(in: 0...UInt64.max), radix: 16)).cogvlm"
    return (folder.flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp").appendingPath(name)
  }

  private func runSynthetic(_ benchmark: Benchmark) throws -> BenchReport {
    let synthetic = SyntheticModel(preset: preset ?? .full, recipe: try encodings(), layers: layers)
    // Before gigabytes are written.
    try benchmark.checkContext(of: synthetic.preset.configuration(layers: layers))
    let path = keep ?? Self.temporaryPath
    defer { if keep == nil { FileSystem.remove(path) } }
    try synthetic.write(to: path, context: benchmark.context)
    return try benchmark.run(path: path, name: synthetic.preset.name) {
      if keep == nil { FileSystem.remove(path) }
    }
  }

  /// The encodings of the synthetic model.
  ///
  /// - Throws: `ValidationError` when there is no such recipe; ``CogError`` when an exception is none.
  private func encodings() throws -> QuantizationRecipe {
    let name = recipe ?? QuantizationRecipe.presets[0]
    var encodings: QuantizationRecipe
    if let type = FloatChoice(rawValue: name.lowercased())?.elementType {
      encodings = try QuantizationRecipe(floats: type)
    } else if QuantizationRecipe.presets.contains(name) {
      encodings = try QuantizationRecipe(preset: name)
    } else {
      let presets = QuantizationRecipe.presets.joined(separator: ", ")
      throw ValidationError("--recipe takes \(presets), bf16, f16 or f32, got: \(name)")
    }
    encodings.overrides = try overrides.map(QuantizationRecipe.Override.init(parsing:))
    return encodings
  }
}
