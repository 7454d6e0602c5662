package import CogMedia

/// The JSON document of `cogvlm frames`.
package struct FramesReport: Equatable, Sendable, Codable {
  /// The video, or the folder of images.
  package let video: String
  /// Frames of the whole video.
  package let frameCount: Int
  /// Its frames per second.
  package let averageFrameRate: Double
  /// Pixels of a row of a frame.
  package let width: Int
  /// Rows of a frame.
  package let height: Int
  /// The numbers of the frames that a model is shown.
  package let indices: [Int]
  /// Their times in seconds.
  package let times: [Double]
  /// The chosen frames that are damaged; nil where none is.
  package let damagedFrames: [VideoFrame]?
  /// The files that were written.
  package let files: [String]

  /// The frames that were chosen, and the files that they were written to.
  package init(_ frames: FrameSelection, _ shown: [VideoFrame], files: [String]) {
    damagedFrames = shown.damaged
    video = frames.path
    frameCount = frames.frameCount
    averageFrameRate = frames.averageFrameRate
    width = frames.width
    height = frames.height
    indices = frames.indices
    times = frames.times
    self.files = files
  }
}
