import CogBase
import CogCompute
import CogEngine
import CogMedia
import CogModel
import CogNative
import CogSources

/// A model ready to answer: a native file (`.cogvlm`), opened with `mmap` and used in place.
///
/// Opening takes a fraction of a second; weights are read when they are first needed. A model answers one
/// question at a time: further ones wait for their turn.
public final class Model: Sendable {
  /// The file, as it was named.
  public let path: String
  /// How the model computes.
  public let arithmetic: Arithmetic
  let engine: Engine
  let worker: Worker

  /// Opens a native file.
  ///
  /// - Parameters:
  ///   - path: a file that ``Checkpoint/quantize(to:recipe:resuming:options:)`` or
  ///     ``Checkpoint/convert(to:as:format:resuming:options:)`` wrote.
  ///   - arithmetic: nil takes ``Arithmetic/fast`` for a quantized model and ``Arithmetic/bfloat16``, the
  ///     published one, for another.
  /// - Throws: ``CogVLMError`` when it is no native file, or a damaged one.
  public init(path: String, arithmetic: Arithmetic? = nil, options: RunOptions = RunOptions()) async throws {
    let worker = try Worker(options)
    let engine = try await worker.run { context in
      try Engine(file: Input(path: path).nativeFile(), mode: arithmetic?.mode, context: context)
    }
    self.path = path
    self.worker = worker
    self.engine = engine
    self.arithmetic = Arithmetic(engine.compute.mode)
  }

  /// The form of questions that the model was trained with.
  public var template: PromptTemplate { PromptTemplate(engine.configuration.template) }

  /// The most tokens that frames, questions and answers may have together: 2,048.
  public var contextLength: Int { engine.configuration.contextLength }

  /// Whether its weights are int4 or int8.
  public var isQuantized: Bool { !engine.file.isFloat }

  /// Chooses, decodes and prepares the frames of a video and sends them through the vision tower: once for
  /// any number of questions.
  ///
  /// - Parameters:
  ///   - template: the form of the questions to come; nil takes the model's own.
  ///   - frames: which frames are chosen; nil takes those of the template.
  /// - Throws: ``CogVLMError`` when the video cannot be read; `CancellationError`.
  public func encode(
    _ video: Video, template: PromptTemplate? = nil, frames: FrameSampling? = nil
  ) async throws -> VideoFeatures {
    let template = template ?? self.template
    let features = try await worker.run { [engine] _ in
      try VideoEncoder(engine).encode(
        video.input, template: template.template, sampling: frames?.sampling)
    }
    return VideoFeatures(features, of: self, template: template)
  }
}

/// How a model computes.
public enum Arithmetic: String, CaseIterable, Sendable {
  /// As PyTorch in float32.
  case float32
  /// As PyTorch in bfloat16, which is how the model was published: rounded where PyTorch's graph rounds.
  case bfloat16
  /// For answers from int4 and int8 weights: activations in 8 bits, sums in float32.
  case fast

  init(_ mode: ComputeMode) {
    self =
      switch mode {
      case .float32: .float32
      case .bfloat16: .bfloat16
      case .fast: .fast
      }
  }

  var mode: ComputeMode {
    switch self {
    case .float32: .float32
    case .bfloat16: .bfloat16
    case .fast: .fast
    }
  }
}

/// The form in which a model is shown a video and asked about it.
public enum PromptTemplate: String, CaseIterable, Sendable {
  /// A frame for each second, at most 24, numbered, and questions with whole answers.
  case chat
  /// The same frames, not numbered, and short answers.
  case vqa
  /// 24 frames spread over the video, and a text to be continued; no earlier turns.
  case base

  init(_ template: CogModel.PromptTemplate) {
    self =
      switch template {
      case .chat: .chat
      case .vqa: .vqa
      case .base: .base
      }
  }

  var template: CogModel.PromptTemplate {
    switch self {
    case .chat: .chat
    case .vqa: .vqa
    case .base: .base
    }
  }
}
