import CogBase

/// Cutting a video up.
extension FrameSource {
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
  package func windows(ofSeconds seconds: Int) throws -> [ClipBounds] {
    try requireWindows(length / Double(seconds))
    var starts = stride(from: 0.0, to: length, by: Double(seconds)).map { $0 }
    if seconds >= 8, starts.count > 1, let last = starts.last, length - last < 4 {
      starts[starts.count - 1] = max(0, (length - 4).rounded(.down))
    }
    return zip(starts, starts.dropFirst() + [length]).compactMap(ClipBounds.init)
  }

  /// The whole seconds that the `chat` rule would show of the video, were there no end to its frames.
  ///
  /// - Throws: ``CogError`` when there are more than ``mostWindows``.
  package func seconds() throws -> [ClipBounds] {
    let latest = Double((shown.map { $0.map { times[$0] } } ?? times).max() ?? 0)
    try requireWindows(latest)
    return (0...max(0, Int(latest.rounded(.toNearestOrEven)))).compactMap {
      ClipBounds(start: Double($0), end: Double($0))
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
