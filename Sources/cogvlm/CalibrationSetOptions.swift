import ArgumentParser
import CogBase
import CogCalibrate
import CogEvaluate

/// What a model is calibrated with.
struct CalibrationSetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A JSON list of {video, question, ...} as that of eval; built-in prompts without it.",
      valueName: "file"),
    completion: .file(extensions: ["json"]))
  var questions: String?

  @Option(
    help: ArgumentHelp(
      "The folder of the videos; by default \"videos\" beside the questions.", valueName: "folder"),
    completion: .directory)
  var videos: String?

  @OptionGroup var selection: VideoSelectionOptions

  /// Whether nothing is given.
  var isEmpty: Bool { questions == nil && videos == nil && selection.selection.takesAll }

  /// - Throws: `ValidationError` when there is no set, or what selects from one comes without questions.
  func validateComplete() throws {
    guard questions != nil || videos != nil else {
      throw ValidationError("--questions FILE or --videos FOLDER is missing.")
    }
    guard questions != nil || selection.selection.takesAll else {
      throw ValidationError("--only, --except and --split go with --questions.")
    }
  }

  /// The videos and what is asked about each. - Throws: as
  /// ``CalibrationSet/given(questions:videos:taking:)``.
  func set() throws -> CalibrationSet {
    try .given(questions: questions, videos: videos, taking: selection)
  }
}

extension CalibrationSet {
  /// The set that a user has named.
  ///
  /// - Parameters:
  ///   - questions: a file of questions; nil asks the built-in ones.
  ///   - videos: the folder of the videos; nil takes `videos` beside the questions.
  /// - Throws: ``CogError`` when the questions or the folder cannot be read, or there is no video.
  static func given(
    questions: String?, videos: String?, taking selection: VideoSelectionOptions
  ) throws -> CalibrationSet {
    guard let questions else { return try CalibrationSet(folder: videos ?? "") }
    return CalibrationSet(try QuestionSet.opened(questions, videoFolder: videos, taking: selection))
  }
}
