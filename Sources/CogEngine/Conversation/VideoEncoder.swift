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
  private let cache: FeatureCache?

  /// An encoder that belongs to a model.
  ///
  /// - Parameter cache: where features are kept from one process to the next; nil keeps none.
  package init(_ engine: Engine, cache: FeatureCache? = nil) { (self.engine, self.cache) = (engine, cache) }

  /// The features of a video.
  ///
  /// - Parameters:
  ///   - template: the template of the questions to come; nil takes the model's own.
  ///   - sampling: which frames the model is shown; nil takes the template's.
  ///   - accept: is told how many frames there are before any is decoded, and may refuse them.
  /// - Throws: `CogError` when the video cannot be read, or has more frames than the model has room for; what
  ///   `accept` and the context's cancellation throw.
  package func encode(
    _ video: VideoInput, template: PromptTemplate? = nil, sampling: FrameSampling? = nil,
    accept: (_ frameCount: Int) throws -> Void = { _ in }
  ) throws -> VideoFeatures {
    let place = try cachePlace(of: video, template: template, sampling: sampling)
    if let known = place.flatMap({ cache?.features(at: $0) }) {
      try accept(known.frameCount)
      return known
    }
    let features = try encode(prepare(video, template: template, sampling: sampling, accept: accept))
    if let place { cache?.keep(features, of: video, at: place) }
    return features
  }

  private func cachePlace(
    of video: VideoInput, template: PromptTemplate?, sampling: FrameSampling?
  ) throws -> FeatureCache.Place? {
    let sampling = sampling ?? (template ?? engine.configuration.template).frameSampling
    let piece = video.bounds.map { " \($0.start) to \($0.end)" } ?? ""
    // Features in the cache have the frames' damage with them, so that nothing is left to look at.
    return try cache?.place(of: video, rule: sampling.name + piece, engine)
  }

  /// The chosen frames of a video as the vision tower reads them.
  ///
  /// - Throws: as ``encode(_:template:sampling:accept:)``.
  package func prepare(
    _ video: VideoInput, template: PromptTemplate? = nil, sampling: FrameSampling? = nil,
    accept: (_ frameCount: Int) throws -> Void = { _ in }
  ) throws -> PreparedVideo {
    let (source, selection) = try open(video, template: template, sampling: sampling)
    try accept(selection.indices.count)
    return try PreparedVideo(source, selection, size: engine.configuration.vision.imageSize)
  }

  /// Which frames of a video the model is shown; none is decoded. - Throws: as
  /// ``encode(_:template:sampling:accept:)``, but for what decoding finds.
  package func select(
    _ video: VideoInput, template: PromptTemplate? = nil, sampling: FrameSampling? = nil
  ) throws -> FrameSelection {
    try open(video, template: template, sampling: sampling).1
  }

  private func open(
    _ video: VideoInput, template: PromptTemplate?, sampling: FrameSampling?
  ) throws -> (any FrameSource, FrameSelection) {
    let configuration = engine.configuration
    let source = try video.open(cancellation: engine.context.cancellation)
    let selection = try source.select(
      sampling ?? (template ?? configuration.template).frameSampling, within: video.bounds)
    // Better said now than after the frames were looked at.
    let most = try engine.mostFrames(template: template)
    guard selection.indices.count <= most else {
      throw CogError(
        "the frames do not fit the model's context", file: video.path, expected: "at most \(most) frames",
        found: "\(selection.indices.count)", advice: "Take fewer with --frames.")
    }
    return (source, selection)
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
