import CogBase
import CogCompute
import CogEngine
package import CogMedia
package import CogModel

/// The prepared images of a verification: from the reference's own pixels, or from a video.
package enum VerificationInputs {
  /// The images of a bundle; nil for a prompt without frames.
  ///
  /// The decoded frames of the bundle are prepared by the toolkit; where there are none, prepared images of
  /// the bundle are taken if it holds all of them.
  ///
  /// - Parameter sampled: frames of a video to take instead, or nil.
  /// - Throws: `CogError` when there are no frames for the prompt.
  package static func images(
    for bundle: ReferenceBundle, sampled: SampledFrames? = nil, configuration: ModelConfiguration
  ) throws -> SeenImages? {
    let frameCount = bundle.frameCount(configuration)
    guard frameCount > 0 else { return nil }
    if let sampled { return try SeenImages(sampled, size: configuration.vision.imageSize) }
    let preparation = try ImagePreparation(size: configuration.vision.imageSize)
    let matrix =
      if let frames = try bundle.frames() {
        try naming(file: bundle.path) { try preparation.matrix(of: images(of: frames)) }
      } else if let images = try bundle.images(), images.rows == frameCount {
        images
      } else {
        throw CogError(
          "the bundle has no frames", file: bundle.path, expected: "\(frameCount) decoded frames",
          advice: "Put them beside it as NAME.frames.safetensors, or give the video with --video.")
      }
    let indices = try bundle.frameIndices()
    let frames = (0..<matrix.rows).map { row in
      SeenFrame(index: indices.flatMap { row < $0.count ? $0[row] : nil }, seconds: nil)
    }
    return SeenImages(images: matrix, frames: frames, preparation: preparation)
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
