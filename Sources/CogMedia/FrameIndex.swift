import CLibAV
import CogBase

/// The frames of a video in presentation order, found by reading its packets without decoding them.
///
/// Numbers and times are those of decord 0.6.0: one frame for each packet of the video stream, in the order
/// of their presentation timestamps; a frame's time is its timestamp minus the stream's start time.
struct FrameIndex {
  /// A frame from which decoding can start.
  struct Keyframe {
    /// Its presentation timestamp, in ticks of the stream.
    let timestamp: Int64
    /// Its number in decoding order, counted from 0.
    let packet: Int
  }

  /// Presentation timestamps in ascending order, each once; nil where the file lacks or repeats some, so that
  /// a frame is known only by its number.
  let timestamps: [Int64]?
  /// The start time of each frame in seconds, in presentation order.
  let times: [Float]
  /// Keyframes by timestamp; empty without timestamps.
  let keyframes: [Keyframe]

  /// A file with more frames than this (77 hours at 60 a second) is damaged or made to exhaust memory.
  private static let maximumFrameCount = 1 << 24

  /// Reads all packets of an input that nothing was read from yet.
  ///
  /// - Throws: ``CogError`` when the file is damaged, ends before the length that it states, or has no frame.
  init(reading input: MediaInput) throws {
    var packets = PacketList()
    var end = StatedEnd(input)
    let packet = try PacketHolder()
    while let read = try input.read(into: packet) {
      end.include(read.pointee, of: input)
      guard read.pointee.stream_index == input.stream.pointee.index else { continue }
      guard read.pointee.flags & AV_PKT_FLAG_CORRUPT == 0 else {
        throw CogError(
          "the file is damaged or ends too early", file: input.path, subject: "frame \(packets.count)",
          advice: "Download or copy it again.")
      }
      packets.append(read.pointee)
      guard packets.count <= Self.maximumFrameCount else {
        throw CogError("too many frames", file: input.path, expected: "at most \(Self.maximumFrameCount)")
      }
    }
    guard packets.count > 0 else {
      throw CogError(
        "no video frame can be decoded", file: input.path, expected: "a video stream with frames",
        found: "none")
    }
    try end.check(longestFrame: packets.longestInterval(input.secondsPerTick), of: input)
    if let sorted = packets.distinctTimestamps() {
      timestamps = sorted
      times = Self.times(sorted, of: input)
      keyframes = packets.keyframes.sorted { $0.timestamp < $1.timestamp }
    } else {
      timestamps = nil
      times = packets.timesByNumber(input)
      keyframes = []
    }
  }

  /// Start times as decord computes them: timestamps and start time as 32-bit floats, their difference times
  /// the tick as a double, the result as a 32-bit float. Late in long files the rounding shows, and it
  /// decides which of two frames is closer to a second.
  private static func times(_ timestamps: [Int64], of input: MediaInput) -> [Float] {
    let stated = input.stream.pointee.start_time
    let start = Float(stated == libav_no_timestamp() ? timestamps.first ?? 0 : stated)
    let tick = input.secondsPerTick
    return timestamps.map { Float(Double(Float($0) - start) * tick) }
  }

  /// The keyframe to decode from for the frame at `timestamp`, or nil when only the start will do.
  func keyframe(for timestamp: Int64) -> Keyframe? {
    var (low, high) = (0, keyframes.count)
    while low < high {
      let middle = (low + high) / 2
      if keyframes[middle].timestamp <= timestamp { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? keyframes[low - 1] : nil
  }
}

/// What is kept of the packets of the video stream while they are being read.
private struct PacketList {
  private(set) var count = 0
  private(set) var keyframes: [FrameIndex.Keyframe] = []
  private var presentation: [Int64] = []
  private var decoding: [Int64] = []
  private var lacksPresentation = false
  private var lacksDecoding = false

  mutating func append(_ packet: AVPacket) {
    if packet.pts == libav_no_timestamp() { lacksPresentation = true }
    if packet.dts == libav_no_timestamp() { lacksDecoding = true }
    presentation.append(packet.pts)
    if !lacksDecoding { decoding.append(packet.dts) }
    if packet.flags & AV_PKT_FLAG_KEY != 0 {
      keyframes.append(FrameIndex.Keyframe(timestamp: packet.pts, packet: count))
    }
    count += 1
  }

  /// The presentation timestamps in ascending order, or nil when one is missing or stands twice.
  func distinctTimestamps() -> [Int64]? {
    guard !lacksPresentation else { return nil }
    let sorted = presentation.sorted()
    for index in sorted.indices.dropFirst() where sorted[index] == sorted[index - 1] { return nil }
    return sorted
  }

  /// Times of frames that are known only by their number (AVI and MPEG program streams with B frames): the
  /// decoding timestamps, which follow each other as the frames do, or else the frame rate.
  func timesByNumber(_ input: MediaInput) -> [Float] {
    let tick = input.secondsPerTick
    if !lacksDecoding, tick > 0, let first = decoding.first,
      zip(decoding, decoding.dropFirst()).allSatisfy({ $0 < $1 })
    {
      return decoding.map { Float((Double($0) - Double(first)) * tick) }
    }
    let rate = input.averageFrameRate ?? 25
    return (0..<count).map { Float(Double($0) / rate) }
  }

  /// Seconds of the longest step from one packet's decoding timestamp to the next one's.
  func longestInterval(_ tick: Double) -> Double {
    zip(decoding, decoding.dropFirst()).reduce(0) { max($0, (Double($1.1) - Double($1.0)) * tick) }
  }
}

/// The end that the file's header states, against the end of the packets that are there: a file that was cut
/// off reads without an error in formats such as Matroska and AVI.
private struct StatedEnd {
  private let stated: Double?
  private var first = Double.infinity
  private var last = -Double.infinity

  init(_ input: MediaInput) {
    let context = input.context.pointee
    let isStated = context.duration_estimation_method == AVFMT_DURATION_FROM_STREAM && context.duration > 0
    stated = isStated ? Double(context.duration) / Double(AV_TIME_BASE) : nil
  }

  /// Counts in a packet of any stream.
  mutating func include(_ packet: AVPacket, of input: MediaInput) {
    let context = input.context.pointee
    guard stated != nil, packet.stream_index >= 0, packet.stream_index < context.nb_streams,
      let base = context.streams[Int(packet.stream_index)]?.pointee.time_base, base.num > 0, base.den > 0
    else { return }
    let time = packet.pts != libav_no_timestamp() ? packet.pts : packet.dts
    guard time != libav_no_timestamp() else { return }
    let start = Double(time) * Double(base.num) / Double(base.den)
    first = min(first, start)
    last = max(last, start + Double(max(0, packet.duration)) * Double(base.num) / Double(base.den))
  }

  /// - Throws: ``CogError`` when more than a twentieth of the stated time is missing at the end, and more
  ///   than a frame that lasts long could explain.
  func check(longestFrame: Double, of input: MediaInput) throws {
    guard let stated, last > first else { return }
    let present = max(last, last - first)
    guard stated - present > max(0.05 * stated, 0.2, 1.5 * longestFrame) else { return }
    throw CogError(
      "the file ends too early", file: input.path, expected: "\(Self.seconds(stated)) s of video",
      found: "\(Self.seconds(present)) s",
      advice: "Download it again, or keep what is there with `ffmpeg -i IN -c copy OUT`.")
  }

  private static func seconds(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
