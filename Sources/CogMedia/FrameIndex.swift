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
  /// The numbers of the frames that are shown; nil where all are. An edit list hides the others: they are
  /// there so that those behind them can be decoded.
  let shown: [Int]?
  /// Keyframes by timestamp; empty without timestamps.
  let keyframes: [Keyframe]
  /// The numbers, in decoding order, of packets of which a piece is missing in the file.
  let hurtPackets: Set<Int>

  /// A file with more frames than this (77 hours at 60 a second) is damaged or made to exhaust memory.
  private static let maximumFrameCount = 1 << 24

  /// What is missing at the end, where that is tolerated; nil where nothing is.
  let missingEnd: String?

  /// Reads all packets of an input that nothing was read from yet.
  ///
  /// - Parameter toleratesDamage: whether the file may end before the length that it states.
  /// - Throws: ``CogError`` when the file is damaged, ends too early, or has no frame.
  init(reading input: MediaInput, toleratesDamage: Bool) throws {
    var packets = PacketList()
    var end = StatedEnd(input)
    let packet = try PacketHolder()
    while let read = try input.read(into: packet) {
      end.include(read.pointee, of: input)
      guard read.pointee.stream_index == input.stream.pointee.index else { continue }
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
    // A packet that is flagged hurts no more than the pictures that need it, which the decoder tells. But the
    // last one was cut off with all that came after it, where the container is not made to be cut.
    if packets.lastIsFlagged, !input.isTransport {
      throw CogError(
        "the file is damaged or ends too early", code: .damaged, file: input.path,
        subject: "frame \(packets.count - 1)", advice: "Download or copy it again.")
    }
    hurtPackets = packets.hurt
    let missing = end.missing(longestFrame: packets.longestInterval(input.secondsPerTick), of: input)
    if let missing, !toleratesDamage { throw missing }
    missingEnd = missing.map { "\($0.problem): expected \($0.expected ?? ""), found \($0.found ?? "")" }
    if input.isTransport, let joined = packets.timesOfJoinedParts(input.secondsPerTick) {
      (timestamps, keyframes, shown) = (nil, [], nil)
      times = joined
    } else if let sorted = packets.sortedTimestamps() {
      times = Self.times(sorted, of: input)
      if zip(sorted, sorted.dropFirst()).allSatisfy({ $0 < $1 }) {
        timestamps = sorted
        shown = packets.shownNumbers(sorted)
        keyframes = packets.keyframes.sorted { $0.timestamp < $1.timestamp }
      } else {
        // Which of two pictures of one time is which, only their order tells; the times hold all the same.
        (timestamps, keyframes, shown) = (nil, [], nil)
      }
    } else {
      (timestamps, keyframes, shown) = (nil, [], nil)
      times = packets.timesByNumber(input)
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
