import ArgumentParser
import CogBase
import CogCalibrate
import CogCompute
import CogMedia
import CogModel
import CogQuantize

/// What `quantize` is given to see what goes into the layers.
struct CalibrationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What cogvlm calibrate has measured: weighs errors with what goes into each layer.", valueName: "file"),
    completion: .file(extensions: ["cogcal"]))
  var calibration: String?

  @Option(
    help: ArgumentHelp(
      "Questions to calibrate with, as eval takes them; the true answers do not matter.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var calibrationQuestions: String?

  @Option(
    help: ArgumentHelp(
      "The folder of their videos, by default \"videos\" beside the questions; alone, built-in questions are "
        + "asked about every video in it.", valueName: "folder"),
    completion: .directory)
  var videos: String?

  @OptionGroup var selection: VideoSelectionOptions
  @OptionGroup var frameOptions: FrameOptions

  @Option(help: "Prompt template. The model's own by default.")
  var template: PromptTemplate?

  @Option(
    help: ArgumentHelp(
      "What gptq adds to the diagonal of the second moments, as a share of its mean; "
        + "\(GPTQ.Settings().damping) by default.", valueName: "share"))
  var damping: Float?

  @Option(
    help: ArgumentHelp(
      "How many image tokens a token of text counts for; \(Int(TokenWeights.standard.text)) by default.",
      valueName: "tokens"))
  var textWeight: Float?

  @Option(
    help: ArgumentHelp(
      "The most that second moments may take at a time; \(GPTQ.Settings().memoryLimit >> 30)GiB by default.",
      valueName: "size"))
  var memory: ByteSize?

  /// Whether any of the options was given that are for running the model.
  private var asksPrompts: Bool {
    let given: [Any?] = [calibrationQuestions, videos, template, damping, memory, frameOptions.frames]
    return given.contains { $0 != nil } || !selection.selection.takesAll || frameOptions.tolerateDamage
  }

  /// Checks that the options go with a method.
  ///
  /// - Parameter choosesEncodings: whether the encodings are chosen by what was measured.
  func validate(for method: String, choosesEncodings: Bool) throws {
    if asksPrompts, method != GPTQ.name {
      throw ValidationError(
        "--calibration-questions, --videos, --only, --except, --split, --frames, --tolerate-damage, "
          + "--template, --damping and --memory go with --method \(GPTQ.name).")
    }
    if choosesEncodings {
      guard calibration != nil, method == MomentWeighted.name || method == GPTQ.name else {
        throw ValidationError(
          "--target-bits needs --calibration, and goes with --method \(MomentWeighted.name) and "
            + "\(GPTQ.name).")
      }
    } else if (calibration != nil) != (method == MomentWeighted.name) {
      throw ValidationError(
        "--calibration goes with --method \(MomentWeighted.name), which needs it, and --target-bits.")
    }
    if textWeight != nil, method != GPTQ.name, method != MomentWeighted.name {
      throw ValidationError(
        "--text-weight goes with --method \(GPTQ.name) and \(MomentWeighted.name).")
    }
    if calibrationQuestions == nil, !selection.selection.takesAll {
      throw ValidationError("--only, --except and --split go with --calibration-questions.")
    }
    if method == GPTQ.name, calibrationQuestions == nil, videos == nil {
      throw ValidationError("--method gptq needs --calibration-questions, or videos alone with --videos.")
    }
  }

  func validate() throws {
    if let damping, !(damping.isFinite && damping > 0) {
      throw ValidationError("--damping must be above 0.")
    }
    if let textWeight, !(textWeight.isFinite && textWeight > 0) {
      throw ValidationError("--text-weight must be above 0.")
    }
  }

  /// Least squares weighted with the moments of the calibration file.
  ///
  /// - Throws: ``CogError`` when the file is no calibration, or is damaged.
  func moments(_ source: ModelSource) throws -> MomentWeighted {
    try MomentWeighted(
      Calibration(path: calibration ?? ""), tokens: tokens, configuration: source.configuration)
  }

  /// What chooses encodings by the calibration file.
  ///
  /// - Throws: ``CogError`` when the file is no calibration, or is damaged.
  func planner(_ source: ModelSource, context: RunContext) throws -> BudgetPlanner {
    try BudgetPlanner(
      source: source, calibration: Calibration(path: calibration ?? ""), tokens: tokens, context: context)
  }

  private var tokens: TokenWeights { TokenWeights(text: textWeight ?? TokenWeights.standard.text) }

  /// The videos and their questions.
  ///
  /// - Throws: ``CogError`` when the questions or the folder cannot be read, or there is no video.
  private func set() throws -> CalibrationSet {
    try .given(questions: calibrationQuestions, videos: videos, taking: selection)
  }

  /// The files that are read. - Throws: as ``set()``.
  func inputs() throws -> [String] {
    let clips = calibrationQuestions ?? videos == nil ? [] : try set().clips.map(\.path)
    return [calibration, calibrationQuestions].compactMap { $0 } + clips
  }

  /// GPTQ over the set.
  ///
  /// - Parameter activations: the folder where they are kept meanwhile.
  /// - Throws: ``CogError`` when the questions or the folder cannot be read, or no video can be decoded.
  func gptq(
    _ source: ModelSource, activations: String, resumes: Bool, context: RunContext
  ) throws -> GPTQ {
    var settings = GPTQ.Settings()
    if let damping { settings.damping = damping }
    settings.tokens = tokens
    if let memory { settings.memoryLimit = memory.bytes }
    var prompts = CalibrationPrompts.Settings()
    prompts.template = template
    prompts.sampling = frameOptions.frames
    prompts.toleratesDamage = frameOptions.tolerateDamage
    let pass = try LayerwisePass(
      source: source, set: set(), settings: prompts, folder: activations, resumes: resumes,
      context: context)
    return GPTQ(source: source, pass: pass, settings: settings, context: context)
  }
}
