import CogBase
import Glibc

/// The frames that were chosen from a video.
package struct FrameSelection: Equatable, Sendable {
  /// The file or folder.
  package let path: String
  /// How the frames were chosen.
  package let sampling: FrameSampling
  /// The numbers of the chosen frames in presentation order, in the order in which a model is shown them.
  package let indices: [Int]
  /// The start times of the chosen frames in seconds after the stream's start.
  package let times: [Double]
  /// The number of frames that the video has.
  package let frameCount: Int
  /// Frames for each second on average, as the file says.
  package let averageFrameRate: Double
  /// Columns of the frames as they are shown.
  package let width: Int
  /// Rows of the frames as they are shown.
  package let height: Int
}

/// Chosen frames as decoded, in 8-bit RGB.
package struct SampledFrames: Sendable {
  /// Which frames they are.
  package let selection: FrameSelection
  /// One image for each entry of ``FrameSelection/indices``.
  package let images: [RGBImage]

  /// The numbers of the frames.
  package var indices: [Int] { selection.indices }
  /// The times of the frames in seconds.
  package var times: [Double] { selection.times }
  /// The number of frames that the video has.
  package var frameCount: Int { selection.frameCount }
  /// Frames for each second on average.
  package var averageFrameRate: Double { selection.averageFrameRate }
  /// Columns of the frames.
  package var width: Int { selection.width }
  /// Rows of the frames.
  package var height: Int { selection.height }

  /// The frames as the vision tower reads them.
  package func prepared(_ preparation: ImagePreparation) -> PreparedFrames {
    PreparedFrames(selection: selection, size: preparation.size, pixels: images.map(preparation.prepare))
  }
}

/// Chosen frames as the vision tower reads them.
package struct PreparedFrames: Sendable {
  /// Which frames they are.
  package let selection: FrameSelection
  /// Rows and columns of each prepared image.
  package let size: Int
  /// For each frame `[3, size, size]`: all red values row by row, then green, then blue; normalized.
  package let pixels: [[Float]]

  /// The numbers of the frames.
  package var indices: [Int] { selection.indices }
  /// The times of the frames in seconds.
  package var times: [Double] { selection.times }
}

/// Reads the frames that a model is shown from a video file or a folder of images.
package enum Video {
  /// Decodes the chosen frames.
  ///
  /// - Parameters:
  ///   - path: a video file, or a folder of images.
  ///   - sampling: which frames are chosen.
  ///   - maximumFrames: the most frames (`chat`), the exact number of them (`base`); 24 in the published
  ///     code.
  ///   - imagesPerSecond: for a folder, how fast its images follow each other; not used for a file.
  /// - Throws: `CogError` when there is no video, it is damaged or cut off, or a folder comes without a rate;
  ///   `Interruption.Interrupted` after Ctrl-C.
  package static func sample(
    path: String, sampling: FrameSampling, maximumFrames: Int = FrameSampling.publishedMaximum,
    imagesPerSecond: Double? = nil
  ) throws -> SampledFrames {
    let source = try open(path, imagesPerSecond)
    let selection = try source.select(sampling, maximumFrames: maximumFrames)
    return SampledFrames(selection: selection, images: try source.collect(selection) { $0 })
  }

  /// Decodes and prepares the chosen frames, with one decoded frame in memory at a time.
  ///
  /// - Parameter preparation: the size of the prepared images.
  /// - Throws: as ``sample(path:sampling:maximumFrames:imagesPerSecond:)``.
  package static func prepare(
    path: String, sampling: FrameSampling, maximumFrames: Int = FrameSampling.publishedMaximum,
    imagesPerSecond: Double? = nil, preparation: ImagePreparation
  ) throws -> PreparedFrames {
    let source = try open(path, imagesPerSecond)
    let selection = try source.select(sampling, maximumFrames: maximumFrames)
    let pixels = try source.collect(selection, preparation.prepare)
    return PreparedFrames(selection: selection, size: preparation.size, pixels: pixels)
  }

  private static func open(_ path: String, _ imagesPerSecond: Double?) throws -> any FrameSource {
    var status = stat()
    let isThere = stat(path, &status) == 0
    guard isThere, status.st_mode & S_IFMT == S_IFDIR else {
      guard imagesPerSecond == nil || !isThere else {
        throw CogError(
          "a frame rate was given for a file, which has its own", file: path, expected: "a folder of images",
          advice: "Leave out --fps.")
      }
      return try VideoFile(path: path)
    }
    guard let imagesPerSecond else {
      throw CogError(
        "a folder of images needs a frame rate", file: path,
        advice: "Say how many images make a second with --fps.")
    }
    return try ImageFolder(path: path, imagesPerSecond: imagesPerSecond)
  }
}
