package import CogBase
package import CogCompute
package import CogMedia

/// The frames of a video as the vision tower reads them, with where they come from.
package struct PreparedVideo: Sendable {
  /// `[frames, 3 * size * size]`, normalized planes.
  package let images: FloatMatrix
  /// One entry for each row of ``images``.
  package let frames: [VideoFrame]
  private let preparation: ImagePreparation

  /// Prepared images, as many as `frames`.
  package init(images: FloatMatrix, frames: [VideoFrame], preparation: ImagePreparation) {
    precondition(images.rows == frames.count && images.columns == preparation.valueCount)
    self.images = images
    self.frames = frames
    self.preparation = preparation
  }

  /// Chooses, decodes and prepares the frames of a video; one decoded frame is in memory at a time.
  ///
  /// - Parameter size: rows and columns of the images that the model takes.
  /// - Throws: `CogError` when the video cannot be read or the size is out of range; what `cancellation`
  ///   throws.
  package init(
    _ video: VideoInput, sampling: FrameSampling, size: Int,
    cancellation: any Cancellation = NeverCancelled()
  ) throws {
    let source = try video.open(cancellation: cancellation)
    try self.init(source, source.select(sampling, within: video.bounds), size: size)
  }

  /// Decodes and prepares the chosen frames of an open video. - Throws: as
  /// ``init(_:sampling:size:cancellation:)``.
  package init(_ source: any FrameSource, _ selection: FrameSelection, size: Int) throws {
    let preparation = try ImagePreparation(size: size)
    let images = FloatMatrix(
      uninitializedRows: selection.indices.count, columns: preparation.valueCount)
    var frames = zip(selection.indices, selection.times).map { VideoFrame(index: $0, seconds: $1) }
    try source.stream(selection) { places, frame in
      try frame.prepare(preparation, into: images.row(places[0]))
      for place in places { frames[place].damage = frame.damage }
      for place in places.dropFirst() { _ = images.row(place).update(from: images.row(places[0])) }
    }
    self.init(images: images, frames: frames, preparation: preparation)
  }

  /// Rows and columns of each image.
  package var size: Int { preparation.size }

  /// The images as PNG files, as a person would see what the model sees: cut and scaled, the normalization
  /// undone.
  ///
  /// - Throws: `CogError` when an image cannot be written as PNG.
  package func pictures() throws -> [[UInt8]] {
    try (0..<images.rows).map { try PNGWriter.encode(preparation.picture(of: Array(images.row($0)))) }
  }
}
