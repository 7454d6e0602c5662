package import ArgumentParser
import CogBase
package import CogCompute
import CogEngine
import CogMedia
package import CogModel
import CogNative

extension ComputeMode: ExpressibleByArgument {}
extension PromptTemplate: ExpressibleByArgument {}

/// The model and the mode that it runs in.
struct ModelOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("The native model file (.cogvlm).", valueName: "model"),
    completion: .file(extensions: ["cogvlm"]))
  var model: String

  @Option(
    help: """
      Arithmetic: float32, bfloat16 (rounds where PyTorch's graph rounds) or fast (8-bit activations on \
      quantized weights).
      """)
  var mode: ComputeMode?

  /// Opens the model's file.
  ///
  /// - Parameter comparesChecksums: whether every tensor is read and compared with its checksum first.
  func open(comparesChecksums: Bool = false) throws -> NativeFile {
    try Mislabeled.refuseAsModel(model)
    let file = try NativeFile(path: model)
    if comparesChecksums { try ContentCheck.checksums(of: file) }
    return file
  }
}

/// The video that a question is about.
struct VideoOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The video file, or a folder of images.", valueName: "file"), completion: .file())
  var video: String?

  @Option(help: "Frames per second of a folder of images.")
  var fps: Double?

  /// Decodes the frames that the template's sampling picks; nil without a video.
  func sample(template: PromptTemplate) throws -> SampledFrames? {
    guard let video else {
      if fps != nil { throw ValidationError("--fps goes with --video FOLDER.") }
      return nil
    }
    return try FrameChoice(path: video, imagesPerSecond: fps).sample(template: template)
  }
}

/// A video file or a folder of images.
struct FrameChoice {
  let path: String
  let imagesPerSecond: Double?

  func sample(template: PromptTemplate) throws -> SampledFrames {
    try Mislabeled.refuse(path, expected: "a video file, or a folder of images with --fps")
    return try Video.sample(path: path, sampling: template.frameSampling, imagesPerSecond: imagesPerSecond)
  }
}
