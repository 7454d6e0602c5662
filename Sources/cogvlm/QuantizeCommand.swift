import ArgumentParser
import CogBase
import CogCalibrate
import CogCompute
import CogModel
import CogNative
import CogQuantize

/// `cogvlm quantize`: a checkpoint or a native float file to a native int4 file.
struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize", abstract: "Quantize a checkpoint or a native float file to int4.",
    discussion: """
      ENCODING is \(StorageRule.allowed). Norms, biases, positions, the patch projection, the convolution, \
      boi and eoi stay BF16 unless --other says otherwise; the rotary frequencies always stay as they are.
      """)

  /// What a method is made of.
  struct Given {
    let options: CalibrationOptions
    let source: ModelSource
    /// Where activations are kept.
    let activations: String
    let resumes: Bool
    let context: RunContext
  }

  /// The methods to choose from.
  private static let methods: [QuantizationOffer<Given>] =
    QuantizationMethods.builtIn() + [
      QuantizationOffer(GPTQ.name, GPTQ.summary) {
        try $0.options.gptq($0.source, activations: $0.activations, resumes: $0.resumes, context: $0.context)
      },
      QuantizationOffer(MomentWeighted.name, MomentWeighted.summary) { try $0.options.moments($0.source) },
    ]

  @OptionGroup var options: ConversionOptions

  @Option(
    help: "Where to start from: \(QuantizationRecipe.presets.joined(separator: ", ")).",
    completion: .list(QuantizationRecipe.presets))
  var preset = QuantizationRecipe.presets[0]

  @Option(
    help: ArgumentHelp(
      "How weights are rounded: "
        + Self.methods.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")
        + ". \(Self.methods[0].name) by default, \(MomentWeighted.name) with --calibration."),
    completion: .list(Self.methods.map(\.name)))
  var method: String?

  @Option(help: ArgumentHelp("Linear layers of the language model.", valueName: "encoding"))
  var linear: String?

  @Option(help: ArgumentHelp("Linear layers of the vision tower.", valueName: "encoding"))
  var vision: String?

  @Option(help: ArgumentHelp("Linear layers of the adapter.", valueName: "encoding"))
  var adapter: String?

  @Option(help: ArgumentHelp("The embedding table.", valueName: "encoding"))
  var embedding: String?

  @Option(help: ArgumentHelp("The output head.", valueName: "encoding"))
  var head: String?

  @Option(help: ArgumentHelp("Everything that is no matrix.", valueName: "encoding"))
  var other: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "An exception, such as 'model.layers.0.*=int8/64'; may be given several times, "
        + "the last that fits counts.",
      valueName: "pattern=encoding"))
  var overrides: [String] = []

  @Option(
    help: ArgumentHelp(
      "Choose the encodings of the linear layers by --calibration: so many bits for each weight on average, "
        + "scales included, and the least damage.", valueName: "bits"))
  var targetBits: Double?

  @OptionGroup(title: "Calibration") var calibration: CalibrationOptions

  @Flag(help: "Quantize weights with zeros that a broken download leaves (4 KiB in a row and more).")
  var allowZeros = false

  /// The method that was named, or the one that the other options ask for.
  private var methodName: String {
    method ?? (calibration.calibration == nil ? Self.methods[0].name : MomentWeighted.name)
  }

  func validate() throws {
    _ = try asUsage { try (recipe(), offer()) }
    try calibration.validate(for: methodName, choosesEncodings: targetBits != nil)
    if options.keepNonFinite, methodName == GPTQ.name {
      throw ValidationError("--keep-non-finite does not go with --method \(GPTQ.name).")
    }
    guard let targetBits else { return }
    guard targetBits.isFinite, targetBits > 0 else { throw ValidationError("--target-bits must be above 0.") }
    if linear != nil || vision != nil || adapter != nil || options.keepNonFinite {
      throw ValidationError(
        "--target-bits does not go with --linear, --vision, --adapter and --keep-non-finite; exceptions by "
          + "--set stand.")
    }
  }

  private func offer() throws -> QuantizationOffer<Given> {
    try QuantizationMethods.named(methodName, among: Self.methods)
  }

  /// What the options say about encodings. - Throws: ``CogError`` that names the option at fault.
  private func recipe() throws -> QuantizationRecipe {
    var recipe = try QuantizationRecipe(preset: preset)
    let settings: [(QuantizationRecipe.TensorKind, String?)] = [
      (.linear, linear), (.vision, vision), (.adapter, adapter), (.embedding, embedding), (.head, head),
      (.other, other),
    ]
    for (kind, text) in settings {
      guard let text else { continue }
      try recipe.set(kind, to: StorageRule(parsing: text, subject: "--\(kind.rawValue)"))
    }
    recipe.overrides = try overrides.map(QuantizationRecipe.Override.init(parsing:))
    return recipe
  }

  func run() throws {
    let offer = try offer()
    let sink = NativeSink(path: options.output)
    try options.run(recipe(), into: sink, refusesZeros: !allowZeros, inputs: calibration.inputs()) {
      recipe, source, context in
      if let targetBits {
        try recipe.follow(
          calibration.planner(source, context: context).plan(targetBits: targetBits, recipe: recipe),
          in: TensorTable(source.configuration))
      }
      recipe.method = try offer.make(
        Given(
          options: calibration, source: source, activations: sink.part.activationsPath,
          resumes: options.resume, context: context))
    }
  }
}
