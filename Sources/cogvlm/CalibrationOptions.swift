import ArgumentParser
import CogBase
import CogCalibrate
import CogCompute
import CogEvaluate
import CogMedia
import CogModel
import CogQuantize

/// What `quantize` is given to see what goes into the layers.
struct CalibrationOptions: ParsableArguments {
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
      "What gptq adds to the diagonal of the second moments, as a share of its mean.", valueName: "share"))
  var damping: Float?

  @Option(help: ArgumentHelp("How many image tokens a token of text counts for.", valueName: "tokens"))
  var textWeight: Float?

  @Option(help: ArgumentHelp("The most that second moments may take at a time.", valueName: "size"))
  var memory: ByteSize?

  /// Whether any of the options was given.
  var isGiven: Bool {
    let given: [Any?] = [
      calibrationQuestions, videos, template, damping, textWeight, memory, frameOptions.frames,
    ]
    return given.contains { $0 != nil } || !selection.selection.takesAll || frameOptions.tolerateDamage
  }

  func validate() throws {
    if let damping, !(damping.isFinite && damping > 0) {
      throw ValidationError("--damping must be above 0.")
    }
    if let textWeight, !(textWeight.isFinite && textWeight > 0) {
      throw ValidationError("--text-weight must be above 0.")
    }
  }

  /// The set that the questions and the folder make.
  ///
  /// - Throws: ``CogError`` when the file is no question file, or has no video that is meant.
  func set() throws -> CalibrationSet {
    if let calibrationQuestions {
      return CalibrationSet(
        try QuestionSet.opened(calibrationQuestions, videoFolder: videos, taking: selection))
    }
    guard let videos else {
      throw ValidationError("--method gptq needs --calibration-questions, or videos alone with --videos.")
    }
    guard selection.selection.takesAll else {
      throw ValidationError("--only, --except and --split go with --calibration-questions.")
    }
    return try CalibrationSet(folder: videos)
  }

  /// GPTQ over the set.
  ///
  /// - Throws: as ``set()``; ``CogError`` when no video can be decoded.
  func gptq(_ source: ModelSource, output: String, resumes: Bool, context: RunContext) throws -> GPTQ {
    var settings = GPTQ.Settings()
    if let damping { settings.damping = damping }
    if let textWeight { settings.tokens = TokenWeights(text: textWeight) }
    if let memory { settings.memoryLimit = memory.bytes }
    var prompts = CalibrationPrompts.Settings()
    prompts.template = template
    prompts.sampling = frameOptions.frames
    prompts.toleratesDamage = frameOptions.tolerateDamage
    let pass = try LayerwisePass(
      source: source, set: set(), settings: prompts, folder: output + ".part.activations", resumes: resumes,
      context: context)
    return GPTQ(source: source, pass: pass, settings: settings, context: context)
  }
}
