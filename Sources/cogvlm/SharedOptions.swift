import ArgumentParser
import CogBase
package import CogCompute
import CogEngine
import CogMedia
package import CogModel
import CogNative
import CogSources

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
  /// - Parameters:
  ///   - context: who may stop the comparison and who sees its progress.
  ///   - comparesChecksums: whether every tensor is read and compared with its checksum first.
  func open(_ context: RunContext, comparesChecksums: Bool = false) throws -> NativeFile {
    let file = try Input(path: model).nativeFile()
    if comparesChecksums { try ContentCheck.checksums(of: file, context) }
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

  func validate() throws {
    if video == nil, fps != nil { throw ValidationError("--fps goes with --video FOLDER.") }
  }

  /// The video; nil where none was given.
  ///
  /// - Throws: ``CogError`` when the path is plainly something else.
  func input() throws -> VideoInput? { try video.map { try VideoInput.checked($0, imagesPerSecond: fps) } }
}

extension VideoInput {
  /// The video at a path that a user named.
  ///
  /// - Throws: ``CogError`` when that is plainly something else.
  static func checked(_ path: String, imagesPerSecond: Double? = nil) throws -> VideoInput {
    // What is not there, the decoder names.
    if let input = try? Input(path: path) {
      try input.refuseMislabeled(expected: "a video file, or a folder of images with --fps")
    }
    return VideoInput(path: path, imagesPerSecond: imagesPerSecond)
  }
}
