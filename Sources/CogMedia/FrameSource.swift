import CogBase

/// Anything that has frames with numbers and times: a video file or a folder of images.
package protocol FrameSource {
  /// The path as it was given.
  var path: String { get }
  /// Columns of the frames; of the first one where they differ.
  var width: Int { get }
  /// Rows of the frames; of the first one where they differ.
  var height: Int { get }
  /// Frames for each second on average.
  var averageFrameRate: Double { get }
  /// The start time of each frame in seconds, in presentation order.
  var times: [Float] { get }
  /// The numbers of the frames that are shown, in ascending order; nil where all are.
  var shown: [Int]? { get }
  /// The rate by which parts of a video are counted off in frames.
  var countingRate: Double { get }
  /// The number of the first frame where parts are counted off.
  var firstNumber: Int { get }
  /// Decodes the frames with the given numbers in ascending order, each number once, one in memory at a time.
  func decode(frames numbers: some Sequence<Int>, _ body: (DecodedFrame) throws -> Void) throws
}

extension FrameSource {
  /// All frames are shown.
  package var shown: [Int]? { nil }
  /// The average.
  package var countingRate: Double { averageFrameRate }
  /// Frames are counted from 0.
  package var firstNumber: Int { 0 }

  /// Decodes the frames with the given numbers as images, as ``decode(frames:_:)`` does.
  package func decode(
    frames numbers: some Sequence<Int>, _ body: (_ number: Int, RGBImage) throws -> Void
  ) throws {
    try decode(frames: numbers) { frame in try body(frame.number, frame.image()) }
  }
}

extension VideoFile: FrameSource {
  /// MVBench counts the frames of a GIF as 25 a second, whatever it says.
  package var countingRate: Double { formatName == "gif" ? 25 : averageFrameRate }
}

extension ImageFolder: FrameSource {
  /// MVBench names the first image of a folder `00001.jpg`.
  package var firstNumber: Int { 1 }
}

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

extension FrameSource {
  /// The frames that a sampling picks.
  ///
  /// Frames that an edit list hides are not chosen and do not count.
  ///
  /// - Parameters:
  ///   - maximumFrames: the most frames (`chat`), the exact number of them (`base`); 24 in the published
  ///     code.
  ///   - bounds: the part of the video that they are taken from; nil takes all of it.
  /// - Throws: ``CogError`` when there is none, or the part lies behind the end.
  package func select(
    _ sampling: FrameSampling, maximumFrames: Int = FrameSampling.publishedMaximum,
    within bounds: ClipBounds? = nil
  ) throws -> FrameSelection {
    guard maximumFrames > 0 else {
      throw CogError("the number of frames is out of range", expected: "1 or more", found: "\(maximumFrames)")
    }
    let shownTimes = shown.map { $0.map { times[$0] } } ?? times
    var indices =
      try bounds.map { try places(sampling, within: $0, times: shownTimes, maximumFrames: maximumFrames) }
      ?? sampling.indices(
        times: shownTimes, averageFrameRate: averageFrameRate, maximumFrames: maximumFrames)
    if let shown { indices = indices.map { shown[$0] } }
    guard !indices.isEmpty else {
      throw CogError(
        "no frame can be chosen: the times of the frames make no sense", file: path,
        found: "last time \(times.max() ?? 0) s",
        advice: "Write the file anew with `ffmpeg -i IN OUT`.")
    }
    return FrameSelection(
      path: path, sampling: sampling, indices: indices, times: indices.map { Double(times[$0]) },
      frameCount: times.count, averageFrameRate: averageFrameRate, width: width, height: height)
  }

  /// Decodes the selected frames, one in memory at a time, and hands over each one once, with all places that
  /// it has in the selection.
  ///
  /// - Throws: ``CogError`` when a frame cannot be decoded; what `body` throws.
  package func stream(
    _ selection: FrameSelection, _ body: (_ places: [Int], DecodedFrame) throws -> Void
  ) throws {
    var places = Dictionary(grouping: selection.indices.indices) { selection.indices[$0] }
    try decode(frames: selection.indices) { frame in
      if let own = places.removeValue(forKey: frame.number) { try body(own, frame) }
    }
    if let missing = places.keys.min() {
      throw CogError("the frame cannot be decoded", file: path, subject: "frame \(missing)")
    }
  }
}
