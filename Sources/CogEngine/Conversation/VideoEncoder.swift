import CogBase
package import CogCompute
package import CogMedia
package import CogModel

/// What the language model is given of a video.
package struct VideoFeatures: Sendable {
  /// The features of all frames, begin and end of image included: `[frames * 66, width]`.
  package let matrix: FloatMatrix
  /// The frames that they were made of.
  package let frames: [VideoFrame]

  /// Features of so many frames.
  package init(matrix: FloatMatrix, frames: [VideoFrame]) {
    self.matrix = matrix
    self.frames = frames
  }

  /// The number of frames.
  package var frameCount: Int { frames.count }
  /// The frames' numbers in the video, in the order in which the model is shown them.
  package var indices: [Int] { frames.compactMap(\.index) }
  /// The frames' start times in the video.
  package var seconds: [Double] { frames.compactMap(\.seconds) }
}

/// Turns videos into what the language model is given of them: frames chosen as the prompt template asks,
/// decoded one at a time, prepared, and sent through the vision tower and the adapter.
package struct VideoEncoder: Sendable {
  private let engine: Engine

  /// An encoder that belongs to a model.
  package init(_ engine: Engine) { self.engine = engine }

  /// The features of a video.
  ///
  /// - Parameter template: the template of the questions to come; nil takes the model's own.
  /// - Throws: `CogError` when the video cannot be read; what the context's cancellation throws.
  package func encode(_ video: VideoInput, template: PromptTemplate? = nil) throws -> VideoFeatures {
    try encode(prepare(video, template: template))
  }

  /// The chosen frames of a video as the vision tower reads them. - Throws: as ``encode(_:template:)``.
  package func prepare(_ video: VideoInput, template: PromptTemplate? = nil) throws -> PreparedVideo {
    try PreparedVideo(
      video, sampling: (template ?? engine.configuration.template).frameSampling,
      size: engine.configuration.vision.imageSize, cancellation: engine.context.cancellation)
  }

  /// The features of prepared frames. - Throws: what the context's cancellation throws.
  package func encode(_ video: PreparedVideo) throws -> VideoFeatures {
    let progress = engine.context.progress.begin(
      "Looking at \(video.frames.count) frames", total: engine.vision.stages.count)
    defer { progress.finish() }
    let matrix = try engine.vision.forward(video.images, progress: progress)
    return VideoFeatures(matrix: matrix, frames: video.frames)
  }
}
