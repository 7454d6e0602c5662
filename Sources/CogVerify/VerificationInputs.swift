import CogBase
package import CogCompute
package import CogEngine
package import CogMedia
import CogModel
package import CogNative

/// What bundles are verified with: an engine for each mode, and the frames of the prompts, each made once
/// however many bundles there are.
package struct VerificationInputs {
  private let file: NativeFile
  private let mode: ComputeMode?
  private let video: VideoInput?
  private let sampling: FrameSampling?
  private let context: RunContext
  private var engines: [ComputeMode: Engine] = [:]
  private var videos: [FrameSampling: PreparedVideo] = [:]

  /// Inputs of nothing yet.
  ///
  /// - Parameters:
  ///   - mode: how to compute; nil computes in each bundle's own mode.
  ///   - video: whose frames to take instead of the bundles' own; nil takes those.
  ///   - sampling: which of the video's frames; nil takes those of a bundle's template.
  package init(
    file: NativeFile, mode: ComputeMode? = nil, video: VideoInput? = nil, sampling: FrameSampling? = nil,
    context: RunContext = RunContext()
  ) {
    self.sampling = sampling
    self.context = context
    self.file = file
    self.mode = mode
    self.video = video
  }

  /// The engine that a bundle is verified with. - Throws: as `Engine.init(file:mode:context:)`.
  package mutating func engine(for bundle: ReferenceBundle) throws -> Engine {
    let mode = mode ?? bundle.computeMode
    if let engine = engines[mode] { return engine }
    let engine = try Engine(file: file, mode: mode, context: context)
    engines[mode] = engine
    return engine
  }

  /// The frames of a bundle's prompt, prepared; nil for a prompt without frames.
  ///
  /// Without a video the decoded frames of the bundle are prepared; where there are none, prepared images of
  /// the bundle are taken if it holds all of them.
  ///
  /// - Throws: `CogError` when there are no frames for the prompt, or the video cannot be read.
  package mutating func frames(of bundle: ReferenceBundle) throws -> PreparedVideo? {
    let configuration = file.configuration
    let frameCount = bundle.frameCount(configuration)
    guard frameCount > 0 else { return nil }
    if let video { return try frames(of: video, sampling ?? bundle.template.frameSampling) }
    let preparation = try ImagePreparation(size: configuration.vision.imageSize)
    let matrix =
      if let frames = try bundle.frames() {
        try naming(file: bundle.path) { try Self.prepared(frames, frameCount, preparation) }
      } else if let images = try bundle.images(), images.rows == frameCount {
        images
      } else {
        throw CogError(
          "the bundle has no frames", file: bundle.path, expected: "\(frameCount) decoded frames",
          advice: "Put them beside it as NAME.frames.safetensors, or give the video with --video.")
      }
    let indices = try bundle.frameIndices()
    let frames = (0..<matrix.rows).map { row in
      VideoFrame(index: indices.flatMap { row < $0.count ? $0[row] : nil })
    }
    return PreparedVideo(images: matrix, frames: frames, preparation: preparation)
  }

  private mutating func frames(of video: VideoInput, _ sampling: FrameSampling) throws -> PreparedVideo {
    if let known = videos[sampling] { return known }
    let frames = try PreparedVideo(
      video, sampling: sampling, size: file.configuration.vision.imageSize,
      cancellation: context.cancellation)
    videos[sampling] = frames
    return frames
  }

  /// No decoded frame has longer sides (16 K video has 15,360 pixels).
  private static let longestSide = 1 << 14

  /// `[frames, height, width, 3]` prepared, one frame after another.
  private static func prepared(
    _ frames: (shape: Shape, bytes: OwnedBytes), _ frameCount: Int, _ preparation: ImagePreparation
  ) throws -> FloatMatrix {
    let sizes = frames.shape.dimensions
    // Before memory is taken: a prepared frame has 150,528 values, a decoded one perhaps three bytes.
    guard sizes[0] == frameCount, max(sizes[1], sizes[2]) <= longestSide else {
      throw CogError(
        "the frames are not those of the prompt", subject: "frames",
        expected: "\(frameCount) frames with sides of at most \(longestSide) pixels", found: "\(frames.shape)"
      )
    }
    let count = sizes[1] * sizes[2] * 3
    let result = FloatMatrix(uninitializedRows: sizes[0], columns: preparation.valueCount)
    for frame in 0..<sizes[0] {
      let image = try RGBImage(
        width: sizes[2], height: sizes[1],
        pixels: frames.bytes[frame * count..<(frame + 1) * count].withUnsafeBytes { Array($0) })
      preparation.prepare(image, into: result.row(frame))
    }
    return result
  }
}
