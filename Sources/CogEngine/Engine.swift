import CogBase
package import CogCompute
package import CogModel
package import CogNative
package import CogText

/// A model ready to run: an open native file, its tokenizer, and the two networks in one compute mode.
package struct Engine: Sendable {
  /// The model's file.
  package let file: NativeFile
  /// Its tokenizer.
  package let tokenizer: Tokenizer
  /// What it computes with, who may stop it and who sees its progress.
  package let context: RunContext
  /// The operations, in the engine's mode.
  package let compute: Compute
  /// Frames to image features.
  package let vision: VisionTower
  /// Tokens and image features to logits.
  package let language: LanguageModel

  /// The model's sizes.
  package var configuration: ModelConfiguration { file.configuration }

  /// Opens a native file.
  ///
  /// - Parameters:
  ///   - mode: nil chooses: `fast` for a quantized file, `bfloat16` (the published arithmetic) for a float
  ///     one.
  ///   - context: what the engine computes with; by default all processors and the fastest kernels.
  ///   - observer: is shown what goes into the linear layers, the same bits for any number of threads; it
  ///     costs the fast path of two chained layers.
  /// - Throws: ``CogError`` when the file or its tokenizer cannot be read, or the tokenizer does not fit the
  ///   model.
  package init(
    path: String, mode: ComputeMode? = nil, context: RunContext = RunContext(),
    observer: (any InputObserver)? = nil
  ) throws {
    try self.init(file: NativeFile(path: path), mode: mode, context: context, observer: observer)
  }

  /// An engine over an open native file. - Throws: as ``init(path:mode:context:observer:)``.
  package init(
    file: NativeFile, mode: ComputeMode? = nil, context: RunContext = RunContext(),
    observer: (any InputObserver)? = nil
  ) throws {
    self.file = file
    tokenizer = try Tokenizer(encoded: file.tokenizerBytes(), file: file.path)
    guard tokenizer.vocabularySize <= file.configuration.vocabularySize else {
      throw CogError(
        "the tokenizer has more tokens than the model", file: file.path, subject: "tokenizer",
        expected: "at most \(file.configuration.vocabularySize)", found: "\(tokenizer.vocabularySize)")
    }
    self.context = context
    compute = Compute(
      mode: mode ?? (file.isFloat ? .bfloat16 : .fast), kernels: context.kernels, threads: context.threads,
      isReproducible: observer != nil)
    let weights = WeightBinder(file, configuration: file.configuration, compute: compute, observer: observer)
    vision = try VisionTower(weights, context: context)
    language = try LanguageModel(weights, context: context)
  }
}
