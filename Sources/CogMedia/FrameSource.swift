import CogBase

/// Anything that has frames with numbers and times: a video file or a folder of images.
protocol FrameSource {
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
  /// Decodes the frames with the given numbers in ascending order, each number once.
  func decode(frames numbers: some Sequence<Int>, _ body: (_ number: Int, RGBImage) throws -> Void) throws
}

extension VideoFile: FrameSource {}

extension FrameSource {
  /// The frames that a sampling picks.
  ///
  /// - Throws: ``CogError`` when there is none.
  func select(_ sampling: FrameSampling, maximumFrames: Int) throws -> FrameSelection {
    guard maximumFrames > 0 else {
      throw CogError("the number of frames is out of range", expected: "1 or more", found: "\(maximumFrames)")
    }
    let indices = sampling.indices(
      times: times, averageFrameRate: averageFrameRate, maximumFrames: maximumFrames)
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

  /// Decodes the selected frames and keeps what `transform` makes of each, in the order of the selection; it
  /// runs once for a frame that was selected several times.
  func collect<Result>(_ selection: FrameSelection, _ transform: (RGBImage) throws -> Result) throws
    -> [Result]
  {
    var results: [Int: Result] = [:]
    try decode(frames: selection.indices) { number, image in results[number] = try transform(image) }
    return try selection.indices.map { number in
      guard let result = results[number] else {
        throw CogError("the frame cannot be decoded", file: path, subject: "frame \(number)")
      }
      return result
    }
  }
}
