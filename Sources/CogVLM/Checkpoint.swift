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
  /// - Parameter checkingValues: whether every value is read, to find those that are NaN or infinite, and
  ///   zeros where a download has left holes.
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
        return Inspection(
          checkingValues
            ? try inspection.checkingValues(of: file, spare: { try? file.tokenizer().spareTokens }, context)
            : inspection)
      }
      let checkpoint = try input.checkpoint()
      let inspection = try CogInspect.Inspection(checkpoint)
      guard checkingValues else { return Inspection(inspection) }
      let spare = try checkpoint.folder.tokenizerPath.map { try Input(path: $0).tokenizer().spareTokens }
      return Inspection(
        try inspection.checkingValues(of: checkpoint.placedTensors(), spare: { spare }, context))
    }
  }

  /// Writes the weights in full precision, quantized ones by the values that they stand for: all of them
  /// where the format has no quantized tensors or a type is asked for.
  ///
  /// - Parameters:
  ///   - output: where to. What is there is replaced, at the very end and when all is written.
  ///   - type: the type of the weights; the rotary frequencies always keep the source's.
  ///   - format: the format of the output.
  ///   - allowingExtra: whether tensors that the model does not have are left out, instead of refused; the
  ///     result's warnings name them.
  ///   - resuming: whether to go on where an earlier call with the same arguments was stopped.
  /// - Throws: ``CogVLMError`` when tensors are missing or damaged, a value does not fit the type, or the
  ///   disk is full; `CancellationError`. Nothing appears under the name then.
  @discardableResult
  public func convert(
    to output: String, as type: FloatType = .source, format: OutputFormat = .native,
    allowingExtra: Bool = false, resuming: Bool = false,
    options: RunOptions = RunOptions()
  ) async throws -> ConversionResult {
    try await run(options) { context in
      let (sink, holdsQuantized) = try format.sink(path: output)
      // What was quantized is expanded where the format has no quantized tensors, or a type is asked for.
      let source = try ModelSource.open(
        path: path, expands: !holdsQuantized || type != .source, allowsExtra: allowingExtra)
      return try CogQuantize.Conversion(
        source: source, recipe: .init(floats: type.elementType), options: Self.settings(resuming),
        context: context
      ).run(into: sink)
    }
  }

  /// Writes the weights in int4 or int8 to a native file.
  ///
  /// - Parameters:
  ///   - output: the file. What is there is replaced, at the very end and when all is written.
  ///   - recipe: which encoding each tensor gets, and how its numbers are chosen.
  ///   - allowingZeros: whether weights may have zeros that a broken download leaves: 4 KiB in a row or
  ///     more.
  ///   - allowingExtra: whether tensors that the model does not have are left out, instead of refused; the
  ///     result's warnings name them.
  ///   - resuming: whether to go on where an earlier call with the same arguments was stopped.
  /// - Throws: ``CogVLMError`` when tensors are missing or damaged or have values that are not finite, the
  ///   recipe does not fit, or the disk is full; `CancellationError`. Nothing appears under the name then.
  @discardableResult
  public func quantize(
    to output: String, recipe: QuantizationRecipe = QuantizationRecipe(), allowingZeros: Bool = false,
    allowingExtra: Bool = false, resuming: Bool = false, options: RunOptions = RunOptions()
  ) async throws -> ConversionResult {
    try await run(options) { context in
      var settings = Self.settings(resuming)
      settings.refusesZeros = !allowingZeros
      return try CogQuantize.Conversion(
        source: .open(path: path, allowsExtra: allowingExtra), recipe: recipe.resolved(),
        options: settings, context: context
      ).run(into: NativeSink(path: output))
    }
  }

  private func run(
    _ options: RunOptions, _ body: @escaping @Sendable (RunContext) throws -> ConversionSummary
  ) async throws -> ConversionResult {
    try await Worker(options).run { context in ConversionResult(try body(context)) }
  }

  private static func settings(_ resuming: Bool) -> CogQuantize.Conversion.Options {
    var settings = CogQuantize.Conversion.Options(tool: Version.tool)
    settings.resumes = resuming
    return settings
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

/// What weights are written as.
public enum OutputFormat: Equatable, Sendable {
  /// One native file, `.cogvlm`: what a ``Model`` opens.
  case native
  /// A folder of safetensors files with their index, `config.json` and `tokenizer.json`: what PyTorch
  /// programs open. A file has at most so many bytes of tensors.
  case safetensors(shardSize: Int = 5_000_000_000)

  func sink(path: String) throws -> (sink: any ModelSink, holdsQuantized: Bool) {
    var settings = CogQuantize.OutputFormat.Settings()
    let name: String
    switch self {
    case .native: name = "native"
    case .safetensors(let shardSize):
      guard shardSize > 0 else {
        throw CogError(
          "the size of shards is out of range", expected: "1 or more", found: "\(shardSize)")
      }
      name = "safetensors"
      settings.shardSize = shardSize
    }
    guard let format = CogQuantize.OutputFormat.named(name) else {
      throw CogError("there is no such format", code: .unsupported, found: name)
    }
    return (format.makeSink(path, settings), format.holdsQuantized)
  }
}

/// Which encoding each tensor gets, and how its numbers are chosen.
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

  /// How the integers and scales of quantized weights are chosen.
  public enum Method: String, CaseIterable, Sendable {
    /// The least squared error of each group.
    case leastSquares = "least-squares"
    /// Plain rounding in the range of each group: what other methods are compared with.
    case absmax
  }

  /// Where to start from.
  public var preset: Preset
  /// How numbers are chosen.
  public var method: Method
  /// Exceptions by tensor name, as `PATTERN=ENCODING`, such as `model.layers.0.*=int8/64`; of several that
  /// fit a tensor the last one counts.
  public var exceptions: [String]

  /// A recipe; by default int4 with the least squared error.
  public init(preset: Preset = .int4, method: Method = .leastSquares, exceptions: [String] = []) {
    self.preset = preset
    self.method = method
    self.exceptions = exceptions
  }

  func resolved() throws -> CogQuantize.QuantizationRecipe {
    var recipe = try CogQuantize.QuantizationRecipe(preset: preset.rawValue)
    let offers: [QuantizationOffer<Void>] = QuantizationMethods.builtIn()
    recipe.method = try QuantizationMethods.named(method.rawValue, among: offers).make(())
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
