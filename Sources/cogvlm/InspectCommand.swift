import ArgumentParser
import CogBase
import CogCompute
import CogInspect
import CogNative
import CogReport
import CogSources

/// `cogvlm inspect`: what is in a checkpoint, a native file or a reference bundle.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show what is in a checkpoint, a native file or a reference bundle.",
    discussion:
      """
      Reads headers only, unless --check is given. With --check, exits with 1 when a tensor is missing, \
      extra, duplicate or misshapen or has values that are no finite numbers or zeros as a broken download \
      leaves them, and with 2 when a checksum is \
      wrong or the tokenizer cannot be read.
      """)

  @Argument(
    help: ArgumentHelp(
      "A checkpoint folder, index or file, a native file, or a reference bundle.", valueName: "source"),
    completion: .file())
  var source: String

  @Flag(help: "List every tensor, or those that the filters leave.")
  var tensors = false

  @OptionGroup var filterOptions: TensorFilterOptions

  @Flag(help: "Show all metadata in full, and the fields of the configuration.")
  var metadata = false

  @Flag(
    help: ArgumentHelp(
      "Compare the tensors with those of the model and with their checksums, and look for NaN, infinity and "
        + "runs of zeros."))
  var check = false

  @Flag(help: "With --check: tensors that the model does not have are no fault.")
  var allowExtra = false

  @OptionGroup var runOptions: RunOptions

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard check || (!allowExtra && runOptions.threads == nil) else {
      throw ValidationError("--allow-extra and --threads go with --check.")
    }
  }

  func run() throws {
    let (inspection, damage) = try open()
    Terminal.print(try report(inspection.selecting(filterOptions.filter)), terminator: "")
    guard check else { return }
    if let damage { throw damage }
    let completeness = inspection.completeness
    let isComplete = allowExtra ? completeness?.isUsable : completeness?.isComplete
    if isComplete == false || inspection.nonFinite?.isEmpty == false
      || inspection.zeros?.isEmpty == false
    {
      throw ExitCode(1)
    }
  }

  /// Inspects the source; with --check all that has a checksum is compared and all values are read first.
  ///
  /// - Returns: what is in it, and what is wrong with its files since their download.
  private func open() throws -> (Inspection, damage: CogError?) {
    let context = try runOptions.context()
    let input = try Input(path: source)
    guard input.isNative else {
      let checkpoint = try input.checkpoint()
      let inspection = try Inspection(checkpoint)
      guard check else { return (inspection, nil) }
      guard inspection.completeness != nil || inspection.isBundle else {
        throw CogError(
          "there is nothing to compare the tensors with", file: source,
          expected: "a whole checkpoint with its config.json", found: inspection.notes.last)
      }
      let tokenizer = try checkpoint.folder.tokenizerPath.map { try Input(path: $0).tokenizer() }
      let files = checkpoint.store.files
      let settings = [checkpoint.store.index?.path].compactMap { $0 } + checkpoint.folder.settingsPaths
      let download = try DownloadCheck(weights: files, settings: settings, context)
      let checked = try inspection.checkingValues(
        of: checkpoint.placedTensors(), spare: { tokenizer?.spareTokens }, context)
      return (checked.noting(download), download.damage.first)
    }
    let file = try input.nativeFile()
    let inspection = try Inspection(native: file)
    guard check else { return (inspection, nil) }
    let tokenizer = try file.tokenizer()
    try ContentCheck.checksums(of: file, context)
    return (
      try inspection.checkingValues(of: file, spare: { tokenizer.spareTokens }, context), nil
    )
  }

  private func report(_ inspection: Inspection) throws -> String {
    if json { return try JSONOutput.encode(inspection) + "\n" }
    return inspection.listing(
      withTensors: tensors || !filterOptions.filter.takesAll, withAllMetadata: metadata)
  }
}
