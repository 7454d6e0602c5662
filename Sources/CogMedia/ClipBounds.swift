import CogBase

/// The part of a video that a question is about, in seconds from the video's start; where both ends are one,
/// a moment of it.
package struct ClipBounds: Hashable, Sendable, Codable {
  /// Where the part begins.
  package let start: Double
  /// Where it ends.
  package let end: Double

  /// A part; nil where the numbers are none: infinite, far away, or the end before the start.
  package init?(start: Double, end: Double) {
    guard start.isFinite, end.isFinite, start >= 0, start <= end, end < 1e7 else { return nil }
    (self.start, self.end) = (start, end)
  }
}

extension FrameSource {
  /// The frames that a sampling picks in a part of a video, by their place among those that are shown.
  /// Seconds count from the start of the part. Of a moment it is the frame that starts closest to it,
  /// whatever the sampling.
  ///
  /// Source: `get_index` of MVBench for `uniform`, which counts by the average rate, clips the part to the
  /// video, and counts the images of a folder from 1.
  ///
  /// - Throws: ``CogError`` when the part begins behind the last frame.
  func places(
    _ sampling: FrameSampling, within bounds: ClipBounds, times: [Float], maximumFrames: Int
  ) throws -> [Int] {
    if bounds.start == bounds.end { return [try closest(to: bounds, times: times)] }
    switch sampling {
    case .uniform(let count):
      let last = firstNumber + times.count - 1
      let begin = max(firstNumber, Self.number(bounds.start, rate: countingRate))
      let end = min(Self.number(bounds.end, rate: countingRate), last)
      // A part that lies behind the end would count backwards from beyond it.
      guard begin <= end else { throw behindTheEnd(bounds, times) }
      return FrameSampling.middles(from: begin, to: end, count).map { min($0, last) - firstNumber }
    case .chat, .base:
      var window = times.indices.filter {
        times[$0] >= Float(bounds.start) && times[$0] <= Float(bounds.end)
      }
      // A part between two frames has the one that is on display.
      if window.isEmpty, let latest = times.max(), Float(bounds.start) <= latest {
        window = times.indices.filter { times[$0] <= Float(bounds.start) }.suffix(1)
      }
      guard !window.isEmpty else { throw behindTheEnd(bounds, times) }
      let own = window.map { max(0, times[$0] - Float(bounds.start)) }
      return sampling.indices(
        times: own, averageFrameRate: averageFrameRate, maximumFrames: maximumFrames
      ).map { window[$0] }
    }
  }

  private func closest(to moment: ClipBounds, times: [Float]) throws -> Int {
    func distance(_ place: Int) -> Double { abs(Double(times[place]) - moment.start) }
    let place = times.indices.min { distance($0) < distance($1) }
    guard let place, moment.start < length + 1 else { throw behindTheEnd(moment, times) }
    return place
  }

  /// A time as a number of frames, halves to even as Python rounds.
  private static func number(_ seconds: Double, rate: Double) -> Int {
    Int(max(0, min((seconds * rate).rounded(.toNearestOrEven), Double(Int32.max))))
  }

  private func behindTheEnd(_ bounds: ClipBounds, _ times: [Float]) -> CogError {
    CogError(
      "the part that is asked about lies behind the end of the video", file: path,
      expected: "a start before \(times.max() ?? 0) s", found: "\(bounds.start) to \(bounds.end) s",
      advice: "Look whether it is the right file: bounds that do not fit are no clip.")
  }
}
