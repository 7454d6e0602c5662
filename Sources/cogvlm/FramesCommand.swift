import ArgumentParser
import CogBase
import CogMedia
import CogModel
import CogReport
import CogText

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

  @Option(help: "Frames per second of a folder of images.")
  var fps: Double?

  @Option(help: "Pixels along each side of the prepared images.")
  var size = 224

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() throws {
    let preparation = try ImagePreparation(size: size)
    let frames = try FrameChoice(path: video, imagesPerSecond: fps).sample(template: template)
    let files = try FrameExport.write(frames, to: output, preparation: preparation)
    if json {
      return Terminal.print(try JSONOutput.encode(FramesReport(frames, files: files)))
    }
    var table = TextTable([.number("index"), .number("seconds")])
    for (index, time) in zip(frames.indices, frames.times) { table.add(["\(index)", "\(time)"]) }
    Terminal.print(table.rendered())
    Terminal.print("\(files.count) files written to \(output)")
  }
}

/// The JSON document of `cogvlm frames`.
struct FramesReport: Codable {
  var video: String
  var frameCount: Int
  var averageFrameRate: Double
  var width: Int
  var height: Int
  var indices: [Int]
  var times: [Double]
  var files: [String]

  init(_ frames: SampledFrames, files: [String]) {
    video = frames.selection.path
    frameCount = frames.frameCount
    averageFrameRate = frames.averageFrameRate
    width = frames.width
    height = frames.height
    indices = frames.indices
    times = frames.times
    self.files = files
  }
}
