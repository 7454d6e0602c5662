package import CogBase
import Glibc

/// A video that a model is shown: a file, or a folder of images with a rate.
package struct VideoInput: Equatable, Sendable {
  /// The file or folder, as the user named it.
  package let path: String
  /// For a folder, how many of its images make a second; nil for a file, which has a rate of its own.
  package let imagesPerSecond: Double?

  /// Whether pictures that the decoder reports as damaged are shown; otherwise they refuse the video.
  package let toleratesDamage: Bool
  /// The part of it that is looked at; nil where all of it is.
  package private(set) var bounds: ClipBounds?

  /// The video at `path`. Nothing is opened yet.
  package init(path: String, imagesPerSecond: Double? = nil, toleratesDamage: Bool = false) {
    self.path = path
    self.imagesPerSecond = imagesPerSecond
    self.toleratesDamage = toleratesDamage
  }

  /// A part of it.
  package func within(_ bounds: ClipBounds) -> VideoInput {
    var input = self
    input.bounds = bounds
    return input
  }

  /// Opens the file or folder and numbers its frames, without decoding any.
  ///
  /// - Throws: `CogError` when there is no video, it is damaged or cut off, a folder comes without a rate, or
  ///   a file with one; what `cancellation` throws.
  package func open(cancellation: any Cancellation = NeverCancelled()) throws -> any FrameSource {
    let status = FileSystem.status(of: path)
    guard let status, status.isFolder else {
      guard imagesPerSecond == nil || status == nil else {
        throw CogError(
          "a frame rate was given for a file, which has its own", file: path, expected: "a folder of images",
          advice: "Leave out the rate (--fps).")
      }
      return try VideoFile(path: path, toleratesDamage: toleratesDamage, cancellation: cancellation)
    }
    guard let imagesPerSecond else {
      throw CogError(
        "a folder of images needs a frame rate", file: path,
        advice: "Say how many images make a second (`ask`, `frames`, `stats` and `verify` take --fps), or "
          + "make a video file of them.")
    }
    return try ImageFolder(
      path: path, imagesPerSecond: imagesPerSecond, toleratesDamage: toleratesDamage,
      cancellation: cancellation)
  }

  /// Decodes the chosen frames and keeps them all, to be looked at; who prepares them takes them one by one
  /// from ``FrameSource/stream(_:_:)``.
  ///
  /// - Parameters:
  ///   - sampling: which frames are chosen.
  ///   - maximumFrames: the most frames (`chat`), the exact number of them (`base`).
  /// - Throws: as ``open(cancellation:)``, and when a frame cannot be decoded.
  package func sample(
    _ sampling: FrameSampling, maximumFrames: Int = FrameSampling.publishedMaximum,
    cancellation: any Cancellation = NeverCancelled()
  ) throws -> SampledFrames {
    let source = try open(cancellation: cancellation)
    let selection = try source.select(sampling, maximumFrames: maximumFrames, within: bounds)
    var images = [RGBImage?](repeating: nil, count: selection.indices.count)
    var damages = [String?](repeating: nil, count: selection.indices.count)
    try source.stream(selection) { places, frame in
      let image = try frame.image()
      for place in places { (images[place], damages[place]) = (image, frame.damage) }
    }
    return SampledFrames(selection: selection, images: images.compactMap { $0 }, damages: damages)
  }
}

/// Chosen frames as decoded, in 8-bit RGB.
package struct SampledFrames: Sendable {
  /// Which frames they are.
  package let selection: FrameSelection
  /// One image for each entry of ``FrameSelection/indices``.
  package let images: [RGBImage]
  /// What is wrong with each of them; nil where nothing is.
  package let damages: [String?]

  /// The chosen frames with their times.
  package var frames: [VideoFrame] {
    selection.indices.indices.map {
      VideoFrame(index: selection.indices[$0], seconds: selection.times[$0], damage: damages[$0])
    }
  }
}
