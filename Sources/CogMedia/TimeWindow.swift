import CogBase

/// A piece of a video, in seconds after its start, or where both ends are one a moment of it.
package struct TimeWindow: Hashable, Sendable {
  /// Where it begins.
  package let start: Double
  /// What comes after it; the start for a moment.
  package let end: Double

  /// A window from `start` up to `end`, or a moment where both are one.
  package init(start: Double, end: Double) { (self.start, self.end) = (start, end) }
}

extension FrameSource {
  /// The frames that a sampling picks of a window, which is shown as a video of its own that begins where the
  /// window does. Of a moment it is the frame that starts closest to it, whatever the sampling.
  ///
  /// - Parameter window: nil takes all of the video.
  /// - Throws: as ``select(_:maximumFrames:)``; ``CogError`` when the window is not in the video.
  package func select(_ sampling: FrameSampling, in window: TimeWindow?) throws -> FrameSelection {
    guard let window else { return try select(sampling) }
    guard window.start <= window.end, window.start < length + 1 else { throw outside(window) }
    let numbers = shown ?? Array(times.indices)
    let chosen: [Int]
    if window.start == window.end {
      chosen = numbers.min { distance($0, window.start) < distance($1, window.start) }.map { [$0] } ?? []
    } else {
      // Where none starts in the window, the one before it is on display.
      let inside = numbers.filter { (window.start..<window.end).contains(Double(times[$0])) }
      let own = inside.isEmpty ? Array(numbers.filter { Double(times[$0]) < window.start }.suffix(1)) : inside
      let local = own.map { max(0, times[$0] - Float(window.start)) }
      chosen = sampling.indices(times: local, averageFrameRate: averageFrameRate).map { own[$0] }
    }
    guard !chosen.isEmpty else { throw outside(window) }
    return FrameSelection(
      path: path, sampling: sampling, indices: chosen, times: chosen.map { Double(times[$0]) },
      frameCount: times.count, averageFrameRate: averageFrameRate, width: width, height: height)
  }

  private func outside(_ window: TimeWindow) -> CogError {
    CogError(
      "the window is not in the video", file: path, expected: "seconds from 0 to \(length)",
      found: "\(window.start) to \(window.end)")
  }

  private func distance(_ number: Int, _ second: Double) -> Double { abs(Double(times[number]) - second) }

  /// Seconds from the start to where the last frame ends, by the average rate, in whole milliseconds.
  package var length: Double {
    let last = Double(times.max() ?? 0)
    let rate = averageFrameRate.isFinite && averageFrameRate > 0 ? averageFrameRate : 1
    return ((last + 1 / rate) * 1000).rounded() / 1000
  }

  /// Windows of so many seconds one after another. A last one shorter than 4 seconds begins earlier, at the
  /// cost of the one before, where that is long enough.
  ///
  /// - Throws: ``CogError`` when there are more than ``mostWindows``.
  package func windows(ofSeconds seconds: Int) throws -> [TimeWindow] {
    try requireWindows(length / Double(seconds))
    var starts = stride(from: 0.0, to: length, by: Double(seconds)).map { $0 }
    if seconds >= 8, starts.count > 1, let last = starts.last, length - last < 4 {
      starts[starts.count - 1] = max(0, (length - 4).rounded(.down))
    }
    return zip(starts, starts.dropFirst() + [length]).map(TimeWindow.init)
  }

  /// The whole seconds that the `chat` rule would show of the video, were there no end to its frames.
  ///
  /// - Throws: ``CogError`` when there are more than ``mostWindows``.
  package func seconds() throws -> [TimeWindow] {
    let latest = Double((shown.map { $0.map { times[$0] } } ?? times).max() ?? 0)
    try requireWindows(latest)
    return (0...max(0, Int(latest.rounded(.toNearestOrEven)))).map {
      TimeWindow(start: Double($0), end: Double($0))
    }
  }

  /// Three days of seconds are no video of anybody's.
  private func requireWindows(_ count: Double) throws {
    guard count.isFinite, count < Double(FrameSampling.mostWindows) else {
      throw CogError(
        "the video is too long to be cut up", file: path,
        expected: "at most \(FrameSampling.mostWindows) pieces",
        found: "\(length) s", advice: "Write the file anew with `ffmpeg -i IN OUT` if it is not that long.")
    }
  }
}

extension FrameSampling {
  /// The most pieces that one video is cut into.
  package static let mostWindows = 250_000
}
