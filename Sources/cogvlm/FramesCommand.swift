import ArgumentParser
import CogBase
import CogMedia
import CogModel
import CogReport

/// `cogvlm frames`: what the model is shown of a video.
struct FramesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "frames", abstract: "Write the frames that a model is shown of a video, as PNG.")

  @Argument(
    help: ArgumentHelp("The video file, or a folder of images.", valueName: "video"), completion: .file())
  var video: String

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The folder to write into.", valueName: "folder"),
    completion: .directory)
  var output: String

  @Option(help: "The prompt template whose sampling is used.")
  var template = PromptTemplate.chat

  @OptionGroup var frameOptions: FrameOptions

  @Option(help: "Frames per second of a folder of images.")
  var fps: Double?

  @Option(help: "Pixels along each side of the prepared images, 1 to 8192.")
  var size = 224

  @Flag(help: "Write over files of the names that frames did not write, but never over the video.")
  var force = false

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    _ = try asUsage("--size") { try ImagePreparation(size: size) }
    try VideoOptions.validate(fps: fps)
  }

  func run() throws {
    let preparation = try ImagePreparation(size: size)
    let export = try FrameExport(to: output, besides: [video], insists: force)
    let input = try VideoInput.checked(
      video, imagesPerSecond: fps, toleratesDamage: frameOptions.tolerateDamage)
    let source = try input.open(cancellation: SignalCancellation())
    let selection = try source.select(frameOptions.frames ?? template.frameSampling)
    let (files, frames) = try export.write(
      source, selection, preparation: preparation, cancellation: SignalCancellation())
    Terminal.noteDamage(in: video, frames)
    let report = FramesReport(selection, frames, files: files)
    Terminal.print(json ? try JSONOutput.encode(report) : report.text(output: output))
  }
}
