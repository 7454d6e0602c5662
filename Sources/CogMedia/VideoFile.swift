import CLibAV
package import CogBase

/// A video file: what it holds, and its frames as RGB images.
///
/// Opening reads all packets once without decoding them, so that frames have numbers and times; see
/// ``times``.
package final class VideoFile {
  /// The path as it was given.
  package let path: String
  /// The container format as libavformat names it, such as "mov,mp4,m4a,3gp,3g2,mj2".
  package let formatName: String
  /// The codec as libavcodec names it, such as "h264".
  package let codecName: String
  /// Columns of the frames as they are shown, rotation metadata applied.
  package let width: Int
  /// Rows of the frames as they are shown, rotation metadata applied.
  package let height: Int
  /// Frames for each second on average, as the container says.
  package let averageFrameRate: Double
  /// The start time of each frame in seconds after the stream's start, in presentation order: the times and
  /// the numbering of decord 0.6.0 (`get_frame_timestamp`), which counts every packet as a frame.
  package var times: [Float] { index.times }
  /// The numbers of the frames that are shown; nil where an edit list hides none.
  package var shown: [Int]? { index.shown }
  /// The number of frames.
  package var frameCount: Int { index.times.count }

  private let index: FrameIndex
  private let orientation: Orientation
  private let codedWidth: Int32
  private let codedHeight: Int32
  private let toleratesDamage: Bool
  private let cancellation: any Cancellation

  /// Opens the file and numbers its frames.
  ///
  /// - Parameter toleratesDamage: whether pictures that the decoder reports as damaged are shown.
  /// - Throws: ``CogError`` when it is not a video, is damaged or was cut off; what `cancellation` throws.
  package init(
    path: String, toleratesDamage: Bool = false, cancellation: any Cancellation = NeverCancelled()
  ) throws {
    self.path = path
    self.toleratesDamage = toleratesDamage
    self.cancellation = cancellation
    let input = try MediaInput(path: path, cancellation: cancellation)
    formatName = input.formatName
    codecName = input.codecName
    let parameters = input.stream.pointee.codecpar.pointee
    codedWidth = parameters.width
    codedHeight = parameters.height
    guard codedWidth > 0, codedHeight > 0, Int(codedWidth) * Int(codedHeight) <= input.maximumPixels else {
      throw CogError(
        codedWidth > 0 && codedHeight > 0 ? "the frames are too large" : "no video frame can be decoded",
        file: path, expected: "1 to \(input.maximumPixels) pixels", found: "\(codedWidth) x \(codedHeight)")
    }
    orientation =
      input.isPicture ? EXIFReader.orientation(ofFile: path) : Self.orientation(of: input.stream)
    width = Int(orientation.swapsSides ? codedHeight : codedWidth)
    height = Int(orientation.swapsSides ? codedWidth : codedHeight)
    index = try FrameIndex(reading: input, toleratesDamage: toleratesDamage)
    averageFrameRate = input.averageFrameRate ?? Self.frameRate(of: index.times)
  }

  /// Decodes the frames with the given numbers and hands them over in ascending order, each number once.
  ///
  /// Decoding starts at the keyframe before a wanted frame where that saves work, and ends with the last
  /// wanted frame; one image is in memory at a time. A number whose packet shows no picture of its own gets
  /// the picture that is on display at its time.
  ///
  /// - Throws: ``CogError`` when a number is not below ``frameCount`` or a frame cannot be decoded, or is
  ///   damaged and that is not tolerated; what `cancellation` and `body` throw.
  package func decode(frames numbers: some Sequence<Int>, _ body: (DecodedFrame) throws -> Void) throws {
    let wanted = Array(Set(numbers)).sorted()
    guard let lowest = wanted.first, let highest = wanted.last else { return }
    guard lowest >= 0, highest < frameCount else {
      throw CogError(
        "no such frame", file: path, expected: "0 to \(frameCount - 1)",
        found: "\(lowest < 0 ? lowest : highest)")
    }
    try naming(file: path) {
      let converter = try ColorConverter(width: codedWidth, height: codedHeight)
      let selection = FrameSelector(
        path: path, index: index, toleratesDamage: toleratesDamage, cancellation: cancellation)
      try selection.select(wanted) { number, frame, damage in
        let missing = number == frameCount - 1 ? index.missingEnd : nil
        try body(
          DecodedFrame(
            number: number, frame: frame, converter: converter, orientation: orientation,
            damage: damage ?? missing))
      }
    }
  }

  /// The rotation that decord applies: the `rotate` tag, else the display matrix; only right angles count.
  private static func orientation(of stream: UnsafeMutablePointer<AVStream>) -> Orientation {
    var degrees = 0.0
    if let entry = av_dict_get(stream.pointee.metadata, "rotate", nil, 0), let value = entry.pointee.value {
      degrees = Double(String(cString: value)) ?? 0
    }
    var size = 0
    if degrees == 0, let data = libav_stream_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size),
      size >= 9 * MemoryLayout<Int32>.size
    {
      degrees = data.withMemoryRebound(to: Int32.self, capacity: 9) { -av_display_rotation_get($0) }
    }
    return Orientation(clockwiseDegrees: degrees)
  }

  /// The mean rate of frames with known times, for files that state none.
  private static func frameRate(of times: [Float]) -> Double {
    guard let first = times.first, let last = times.last, last > first else { return 25 }
    return Double(times.count - 1) / Double(last - first)
  }
}
