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
      extra, duplicate or misshapen or has values that are no finite numbers, and with 2 when a checksum is \
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
    help:
      "Compare the tensors with those of the model and with their checksums, and look for NaN and infinity.")
  var check = false

  @OptionGroup var runOptions: RunOptions

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() throws {
    let inspection = try open()
    Terminal.print(try report(inspection.selecting(filterOptions.filter)), terminator: "")
    guard check else { return }
    if inspection.completeness?.isComplete == false || inspection.nonFinite?.isEmpty == false {
      throw ExitCode(1)
    }
  }

  /// Inspects the source; with --check all that has a checksum is compared and all values are read first.
  private func open() throws -> Inspection {
    let context = try runOptions.context()
    let input = try Input(path: source)
    guard input.isNative else {
      let checkpoint = try input.checkpoint()
      let inspection = try Inspection(checkpoint)
      guard check else { return inspection }
      guard inspection.completeness != nil || inspection.isBundle else {
        throw CogError(
          "there is nothing to compare the tensors with", file: source,
          expected: "a whole checkpoint with its config.json", found: inspection.notes.last)
      }
      if let path = checkpoint.folder.tokenizerPath { _ = try Input(path: path).tokenizer() }
      return try inspection.checkingValues(of: checkpoint.placedTensors(), context)
    }
    let file = try input.nativeFile()
    let inspection = try Inspection(native: file)
    guard check else { return inspection }
    _ = try file.tokenizer()
    try ContentCheck.checksums(of: file, context)
    return try inspection.checkingValues(of: file, context)
  }

  private func report(_ inspection: Inspection) throws -> String {
    if json { return try JSONOutput.encode(inspection) + "\n" }
    return inspection.listing(
      withTensors: tensors || !filterOptions.filter.takesAll, withAllMetadata: metadata)
  }
}
