package import CogCompute
import CogEngine
package import CogMedia

/// One frame that a model saw.
package struct SeenFrame: Equatable, Sendable, Codable {
  /// Its number in the video; nil where a bundle does not say.
  package var index: Int?
  /// Its time in the video; nil where it is not known, as a bundle has frames without times.
  package var seconds: Double?

  /// Writes the JSON of a frame; what is not known is null.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(index, forKey: .index)
    try container.encode(seconds, forKey: .seconds)
  }
}

/// The prepared images that a model is given, with where they come from.
package struct SeenImages {
  /// `[frames, 3 * size * size]`, normalized planes.
  package let images: FloatMatrix
  /// One entry for each row.
  package let frames: [SeenFrame]
  private let preparation: ImagePreparation

  /// Prepared images, with as many frames as rows.
  init(images: FloatMatrix, frames: [SeenFrame], preparation: ImagePreparation) {
    self.images = images
    self.frames = frames
    self.preparation = preparation
  }

  /// The frames of a video, prepared.
  ///
  /// - Parameter size: rows and columns that the model takes.
  /// - Throws: `CogError` when the size is out of range.
  package init(_ sampled: SampledFrames, size: Int) throws {
    let preparation = try ImagePreparation(size: size)
    self.init(
      images: preparation.matrix(of: sampled.images),
      frames: zip(sampled.indices, sampled.times).map { SeenFrame(index: $0, seconds: $1) },
      preparation: preparation)
  }

  /// The images as PNG files, as a person would see what the model sees: cut and scaled, the normalization
  /// undone.
  ///
  /// - Throws: `CogError` when an image cannot be written as PNG.
  package func pictures() throws -> [[UInt8]] {
    try (0..<images.rows).map { row in
      let planes = Array(
        UnsafeBufferPointer(start: images.pointer + row * images.columns, count: images.columns))
      return try PNGWriter.encode(preparation.picture(of: planes))
    }
  }

  /// Rows and columns of each image.
  package var size: Int { preparation.size }
}
