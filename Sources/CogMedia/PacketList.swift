import CLibAV
import CogBase

/// What is kept of the packets of the video stream while they are being read.
struct PacketList {
  private(set) var count = 0
  private(set) var keyframes: [FrameIndex.Keyframe] = []
  private var presentation: [Int64] = []
  private var decoding: [Int64] = []
  private var hidden: Set<Int64> = []
  private var lacksPresentation = false
  private var lacksDecoding = false
  /// Where the decoding timestamps begin anew: the numbers of the packets, in decoding order.
  private var restarts: [Int] = []
  /// The numbers, in decoding order, of packets that the container flags as not whole.
  private var flagged: [Int] = []

  mutating func append(_ packet: AVPacket) {
    if let last = decoding.last, packet.dts != libav_no_timestamp(), packet.dts < last {
      restarts.append(count)
    }
    if packet.flags & AV_PKT_FLAG_CORRUPT != 0 { flagged.append(count) }
    if packet.flags & AV_PKT_FLAG_DISCARD != 0 { hidden.insert(packet.pts) }
    if packet.pts == libav_no_timestamp() { lacksPresentation = true }
    if packet.dts == libav_no_timestamp() { lacksDecoding = true }
    presentation.append(packet.pts)
    if !lacksDecoding { decoding.append(packet.dts) }
    if packet.flags & AV_PKT_FLAG_KEY != 0 {
      keyframes.append(FrameIndex.Keyframe(timestamp: packet.pts, packet: count))
    }
    count += 1
  }

  /// Whether the container says that the last packet is not whole.
  var lastIsFlagged: Bool { count > 0 && flagged.last == count - 1 }

  /// The numbers, in decoding order, of packets that are taken for hurt where the decoder does not tell.
  ///
  /// At a seam of parts of a stream packets are flagged too, the last ones before the next part's keyframe,
  /// although nothing is missing: those are not counted.
  var hurt: Set<Int> {
    let keyframeNumbers = Set(keyframes.map(\.packet))
    return Set(flagged.filter { !keyframeNumbers.contains($0 + 1) && !keyframeNumbers.contains($0 + 2) })
  }

  /// The presentation timestamps in ascending order, or nil when one is missing.
  func sortedTimestamps() -> [Int64]? { lacksPresentation ? nil : presentation.sorted() }

  /// The numbers of the frames that are not hidden, or nil where none is, or all.
  func shownNumbers(_ timestamps: [Int64]) -> [Int]? {
    guard !hidden.isEmpty else { return nil }
    let shown = timestamps.indices.filter { !hidden.contains(timestamps[$0]) }
    return shown.isEmpty ? nil : shown
  }

  /// Times of frames in parts that were put together as they were (`cat` of transport streams), so that the
  /// timestamps begin anew with each part: a part goes on one frame after the part before.
  ///
  /// Nil where nothing begins anew, or timestamps are missing.
  func timesOfJoinedParts(_ tick: Double) -> [Float]? {
    guard !restarts.isEmpty, !lacksPresentation, !lacksDecoding else { return nil }
    let bounds = [0] + restarts + [count]
    var times: [Float] = []
    var start = 0.0
    for (first, end) in zip(bounds, bounds.dropFirst()) {
      let stamps = presentation[first..<end].sorted()
      let span = Double(stamps[stamps.count - 1]) - Double(stamps[0])
      times += stamps.map { Float((start + Double($0) - Double(stamps[0])) * tick) }
      start += span + (stamps.count > 1 ? span / Double(stamps.count - 1) : 0)
    }
    return times
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
