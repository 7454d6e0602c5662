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
      quantized weights). By default fast with quantized weights, bfloat16 with others, and with \
      --reference the reference's own.
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

  func validate(hasVideo: Bool) throws {
    if !hasVideo, fps != nil { throw ValidationError("--fps goes with --video FOLDER.") }
    try Self.validate(fps: fps)
  }

  /// Checks the frame rate of a folder of images.
  static func validate(fps: Double?) throws {
    guard fps.map({ $0.isFinite && $0 > 0 }) ?? true else {
      throw ValidationError("--fps must be above 0, got: \(fps ?? 0)")
    }
  }

  /// The video; nil where none was given.
  ///
  /// - Throws: ``CogError`` when the path is plainly something else.
  func input(_ frames: FrameOptions) throws -> VideoInput? {
    try video.map {
      try VideoInput.checked($0, imagesPerSecond: fps, toleratesDamage: frames.tolerateDamage)
    }
  }
}

/// Which frames of a video a model is shown, and whether damaged ones.
struct FrameOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which frames to show: chat, base, or uniform:N with N from 1 to \(FrameSampling.uniformMaximum) "
        + "(N alone will do). The template's own by default.",
      valueName: "rule"),
    completion: .list(["chat", "base", "uniform:16"]),
    transform: { name in
      do { return try FrameSampling(named: name) } catch let error as CogError {
        throw ValidationError("--frames takes \(error.expected ?? ""), got: \(name)")
      }
    })
  var frames: FrameSampling?

  @Flag(help: "Show pictures that the decoder reports as damaged, instead of refusing the video.")
  var tolerateDamage = false

  func validate(hasVideo: Bool) throws {
    guard hasVideo || (frames == nil && !tolerateDamage) else {
      throw ValidationError("--frames and --tolerate-damage go with a video.")
    }
  }
}

extension Terminal {
  /// Notes which of the frames that a model is shown are damaged.
  static func noteDamage(in video: String, _ frames: [VideoFrame]) {
    for frame in frames.damaged ?? [] {
      let seconds = ((frame.seconds ?? 0) * 1000).rounded() / 1000
      let place = "frame \(frame.index ?? 0) at \(seconds) s"
      note("warning: \(video): \(place): the picture is damaged: \(frame.damage ?? "")".printable)
    }
  }
}

extension VideoInput {
  /// The video at a path that a user named.
  ///
  /// - Throws: ``CogError`` when that is plainly something else.
  static func checked(
    _ path: String, imagesPerSecond: Double? = nil, toleratesDamage: Bool = false
  ) throws -> VideoInput {
    // What is not there, the decoder names.
    if let input = try? Input(path: path) {
      try input.refuseMislabeled(expected: "a video file, or a folder of images")
    }
    return VideoInput(path: path, imagesPerSecond: imagesPerSecond, toleratesDamage: toleratesDamage)
  }
}
