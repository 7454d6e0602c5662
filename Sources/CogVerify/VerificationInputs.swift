import CogBase
public import CogCompute
import CogEngine
public import CogMedia
public import CogModel

/// The prepared images of a verification: from the reference's own pixels, or from a video.
public enum VerificationInputs {
  /// The images of a bundle, `[frames, 3 * size * size]`; nil for a prompt without frames.
  ///
  /// The decoded frames of the bundle are prepared by the toolkit; where there are none, prepared images of the
  /// bundle are taken if it holds all of them.
  ///
  /// - Parameter video: a video to decode instead, or nil.
  /// - Throws: `CogError` when there are no frames for the prompt.
  public static func images(
    for bundle: ReferenceBundle, video: String?, configuration: ModelConfiguration
  ) throws -> FloatMatrix? {
    let frameCount = bundle.frameCount(configuration)
    guard frameCount > 0 else { return nil }
    let preparation = try ImagePreparation(size: configuration.vision.imageSize)
    if let video {
      return preparation.matrix(of: try sample(video, template: bundle.template).images)
    }
    if let frames = try bundle.frames() {
      return try naming(file: bundle.path) { try preparation.matrix(of: images(of: frames)) }
    }
    if let images = try bundle.images(), images.rows == frameCount { return images }
    throw CogError(
      "the bundle has no frames", file: bundle.path, expected: "\(frameCount) decoded frames",
      advice: "Put them beside it as NAME.frames.safetensors, or give the video with --video.")
  }

  /// The frames that the template's sampling picks from a video.
  public static func sample(_ video: String, template: String) throws -> SampledFrames {
    guard let sampling = FrameSampling(template: template) else {
      throw CogError("there is no such prompt template", expected: "chat, vqa or base", found: template)
    }
    return try Video.sample(path: video, sampling: sampling)
  }

  private static func images(of frames: TensorView) throws -> [RGBImage] {
    let sizes = frames.shape.dimensions
    let count = sizes[1] * sizes[2] * 3
    return try (0..<sizes[0]).map { frame in
      try RGBImage(
        width: sizes[2], height: sizes[1], pixels: Array(frames.bytes[frame * count..<(frame + 1) * count]))
    }
  }
}
