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
      "With --check, leaves with 1 when a tensor is missing, extra, duplicate, misshapen or damaged.")

  @Argument(help: ArgumentHelp("A checkpoint folder, index or file, or a native file.", valueName: "source"))
  var source: String

  @Flag(help: "List every tensor.")
  var tensors = false

  @Flag(help: "Compare the tensors with those of the model, and a native file's with their checksums.")
  var check = false

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() throws {
    let inspection: Inspection
    if try NativeKind.isNative(source) {
      let file = try NativeFile(path: source)
      inspection = try Inspection(native: file)
      if check { try verifyChecksums(file) }
    } else {
      inspection = try Inspection(path: source)
    }
    if json {
      Terminal.print(try JSONOutput.encode(inspection))
    } else {
      Terminal.print(inspection.listing(withTensors: tensors), terminator: "")
    }
    guard check else { return }
    guard let completeness = inspection.completeness else {
      throw CogError(
        "there is nothing to compare the tensors with", file: source,
        expected: "a config.json beside the weights")
    }
    if !completeness.isComplete { throw ExitCode(1) }
  }

  private func verifyChecksums(_ file: NativeFile) throws {
    let progress = Progress("Comparing checksums", total: file.fileSize)
    defer { progress.finish() }
    var damaged: [String] = []
    for tensor in file.tensors {
      try Interruption.check()
      do {
        try file.verifyChecksum(of: tensor)
      } catch let error as CogError {
        Terminal.note("\(error)")
        damaged.append(tensor.name)
      }
      progress.advance(by: tensor.byteCount, tensor.name)
    }
    if !damaged.isEmpty { throw ExitCode(1) }
    if !json { Terminal.note("\(file.tensors.count) checksums compared, all right") }
  }
}
