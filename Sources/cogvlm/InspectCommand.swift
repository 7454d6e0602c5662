import ArgumentParser
import CogBase
import CogCheckpoint
import CogInspect
import CogNative
import CogReport

/// `cogvlm inspect`: what is in a checkpoint or a native file.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show what is in a checkpoint or a native file.",
    discussion:
      """
      With --check, leaves with 1 when a tensor is missing, extra, duplicate or misshapen, and with 2 when a \
      checksum is wrong or the tokenizer cannot be read.
      """)

  @Argument(help: ArgumentHelp("A checkpoint folder, index or file, or a native file.", valueName: "source"))
  var source: String

  @Flag(help: "List every tensor.")
  var tensors = false

  @Flag(help: "Compare the tensors with those of the model and with their checksums.")
  var check = false

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() throws {
    let inspection = try open()
    guard check else { return Terminal.print(try report(inspection), terminator: "") }
    guard let completeness = inspection.completeness else {
      throw CogError(
        "there is nothing to compare the tensors with", file: source,
        expected: "a whole checkpoint with its config.json", found: inspection.notes.last)
    }
    Terminal.print(try report(inspection), terminator: "")
    if !completeness.isComplete { throw ExitCode(1) }
  }

  /// Looks into the source; with --check all that has a checksum is compared first.
  private func open() throws -> Inspection {
    guard try NativeKind.isNative(source) else {
      let inspection = try Inspection(path: source)
      if check { try ContentCheck.checkpoint(source) }
      return inspection
    }
    let file = try NativeFile(path: source)
    if check {
      _ = try TokenizerSource.open(source)
      try ContentCheck.checksums(of: file)
    }
    return try Inspection(native: file)
  }

  private func report(_ inspection: Inspection) throws -> String {
    json ? try JSONOutput.encode(inspection) + "\n" : inspection.listing(withTensors: tensors)
  }
}
