import CogBase
import CogCompute
import CogInspect
import CogModel
import CogNative
import CogQuantize
import CogSources

/// Weights to read from: a download in safetensors or PyTorch files, a folder or one file, or a native float
/// file. What it is, its content tells, never its name.
public struct Checkpoint: Equatable, Sendable {
  /// The folder or file.
  public let path: String

  /// The weights at a path. Nothing is opened yet.
  public init(path: String) { self.path = path }

  /// What is in it: files, parts, tensors, and how they compare with those of the model.
  ///
  /// - Parameter checkingValues: whether every value is read, to find those that are NaN or infinite.
  ///   Otherwise headers alone are.
  /// - Throws: ``CogVLMError`` when it is something else, which the error names; `CancellationError`.
  public func inspect(
    checkingValues: Bool = false, options: RunOptions = RunOptions()
  ) async throws -> Inspection {
    try await Worker(options).run { [path] context in
      let input = try Input(path: path)
      if input.isNative {
        let file = try input.nativeFile()
        let inspection = try CogInspect.Inspection(native: file)
        return Inspection(checkingValues ? try inspection.checkingValues(of: file) : inspection)
      }
      let checkpoint = try input.checkpoint()
      let inspection = try CogInspect.Inspection(checkpoint)
      return Inspection(
        checkingValues ? try inspection.checkingValues(of: checkpoint.placedTensors()) : inspection)
    }
  }

  /// Writes the weights in full precision to a native file, quantized ones as they are.
  ///
  /// - Parameters:
  ///   - output: the file. What is there is replaced, at the very end and when all is written.
  ///   - type: the type of the weights; the rotary frequencies always keep the source's.
  /// - Throws: ``CogVLMError`` when tensors are missing or damaged, a value does not fit the type, or the disk
  ///   is full; `CancellationError`. Nothing appears under the name then.
  @discardableResult
  public func convert(
    to output: String, as type: FloatType = .source, options: RunOptions = RunOptions()
  ) async throws -> ConversionResult {
    try await run(options) { context in
      try write(.init(floats: type.elementType), to: output, context)
    }
  }

  /// Writes the weights in int4 or int8 to a native file.
  ///
  /// - Parameters:
  ///   - output: the file. What is there is replaced, at the very end and when all is written.
  ///   - recipe: which encoding each tensor gets.
  /// - Throws: ``CogVLMError`` when tensors are missing or damaged or have values that are not finite, the
  ///   recipe does not fit, or the disk is full; `CancellationError`. Nothing appears under the name then.
  @discardableResult
  public func quantize(
    to output: String, recipe: QuantizationRecipe = QuantizationRecipe(), options: RunOptions = RunOptions()
  ) async throws -> ConversionResult {
    try await run(options) { context in try write(recipe.resolved(), to: output, context) }
  }

  private func run(
    _ options: RunOptions, _ body: @escaping @Sendable (RunContext) throws -> ConversionSummary
  ) async throws -> ConversionResult {
    try await Worker(options).run { context in ConversionResult(try body(context)) }
  }

  private func write(
    _ recipe: CogQuantize.QuantizationRecipe, to output: String, _ context: RunContext
  ) throws -> ConversionSummary {
    var settings = CogQuantize.Conversion.Options(tool: Version.tool)
    settings.kernels = context.kernels
    settings.threads = context.threads
    settings.stopCheck = { try context.cancellation.check() }
    let progress = context.progress.begin("Writing \(output)", total: 1)
    let summary = try CogQuantize.Conversion(
      source: .open(path: path), recipe: recipe, options: settings
    ).run(writingTo: output)
    progress.advance(by: 1, output)
    return summary
  }
}

/// A type of floating-point weights.
public enum FloatType: String, CaseIterable, Sendable {
  /// As it comes; quantized weights as BF16.
  case source
  /// BF16, 8 bits of precision and the range of float32.
  case bfloat16
  /// F16, 11 bits of precision; values beyond 65,504 are an error.
  case float16
  /// F32.
  case float32

  var elementType: ElementType? {
    switch self {
    case .source: nil
    case .bfloat16: .bfloat16
    case .float16: .float16
    case .float32: .float32
    }
  }
}

/// Which encoding each tensor gets.
public struct QuantizationRecipe: Equatable, Sendable {
  /// Encodings of the linear layers, the embedding table and the output head.
  public enum Preset: String, CaseIterable, Sendable {
    /// int4 in groups of 64, embedding table and head int8: 7.4 GB at the published sizes.
    case int4
    /// int4 in groups of 128 throughout: the smallest.
    case int4Small = "int4-small"
    /// int4 in groups of 32, embedding table and head int8: the closest of the int4 ones.
    case int4Fine = "int4-fine"
    /// int8 in groups of 64 throughout.
    case int8
  }

  /// Where to start from.
  public var preset: Preset
  /// Exceptions by tensor name, as `PATTERN=ENCODING`, such as `model.layers.0.*=int8/64`; of several that fit
  /// a tensor the last one counts.
  public var exceptions: [String]

  /// A recipe; by default int4 with the least squared error.
  public init(preset: Preset = .int4, exceptions: [String] = []) {
    self.preset = preset
    self.exceptions = exceptions
  }

  func resolved() throws -> CogQuantize.QuantizationRecipe {
    var recipe = try CogQuantize.QuantizationRecipe(preset: preset.rawValue)
    recipe.overrides = try exceptions.map(CogQuantize.QuantizationRecipe.Override.init(parsing:))
    return recipe
  }
}

/// What a conversion wrote and what it lost.
public struct ConversionResult: Equatable, Sendable {
  /// One tensor of the output.
  public struct Tensor: Equatable, Sendable {
    /// Its name.
    public let name: String
    /// Its encoding, such as `int4/64` or `BF16`.
    public let encoding: String
    /// Bytes that it takes.
    public let byteCount: Int
    /// Relative L2 error of its values against the source's; 0 where nothing was lost.
    public let relativeError: Double
  }

  /// The tensors in the order of the output.
  public let tensors: [Tensor]
  /// Bytes of the output.
  public let byteCount: Int
  /// Bits for each weight over all tensors, scales included.
  public let bitsPerWeight: Double
  /// Seconds from start to end.
  public let seconds: Double
  /// What a person should know, one sentence each.
  public let warnings: [String]

  init(_ summary: ConversionSummary) {
    tensors = summary.tensors.map { tensor in
      Tensor(
        name: tensor.name, encoding: tensor.encoding.label, byteCount: tensor.bytes,
        relativeError: Double(tensor.error.relativeRMS))
    }
    byteCount = summary.fileBytes
    bitsPerWeight = summary.bitsPerWeight
    seconds = summary.seconds
    warnings = summary.warnings
  }
}
