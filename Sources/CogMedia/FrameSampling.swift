package import CogModel

/// Which frames of a video a model is shown.
///
/// Source: `load_video` of the published demo code, one strategy for the chat model and one for the base
/// model.
package enum FrameSampling: String, Sendable, CaseIterable {
  /// One frame for each second from the start: the one whose start time is closest.
  case chat
  /// Frames evenly spaced over the first 60 seconds; a short video has some of them twice.
  case base

  /// The number of frames that the published models take at most (`chat`) or always (`base`).
  package static let publishedMaximum = 24

  /// The chosen frames by their number in presentation order, in the order in which the model is shown them.
  ///
  /// - Parameters:
  ///   - times: the start time of each frame in seconds, in presentation order; 32-bit as decord returns
  ///     them.
  ///   - averageFrameRate: frames for each second as the file says, used by `base`.
  ///   - maximumFrames: the most frames (`chat`), the exact number of them (`base`).
  package func indices(times: [Float], averageFrameRate: Double, maximumFrames: Int = publishedMaximum)
    -> [Int]
  {
    guard !times.isEmpty, maximumFrames > 0 else { return [] }
    switch self {
    case .chat: return Self.secondIndices(times, maximumFrames)
    case .base: return Self.evenIndices(times.count, averageFrameRate, maximumFrames)
    }
  }

  private static func secondIndices(_ times: [Float], _ maximumFrames: Int) -> [Int] {
    guard let latest = times.max(), latest.isFinite else { return [] }
    let seconds = latest.rounded(.toNearestOrEven) + 1
    let count = seconds >= Float(maximumFrames) ? maximumFrames : max(0, Int(seconds))
    return (0..<count).map { second in
      let wanted = Float(second)
      var best = 0
      for index in times.indices.dropFirst() where abs(times[index] - wanted) < abs(times[best] - wanted) {
        best = index
      }
      return best
    }
  }

  private static func evenIndices(_ frameCount: Int, _ averageFrameRate: Double, _ count: Int) -> [Int] {
    let inMinute =
      averageFrameRate.isFinite ? Int(min(max(60 * averageFrameRate, 1), Double(Int32.max))) : frameCount
    let last = min(frameCount, inMinute) - 1
    guard count > 1 else { return [0] }
    // numpy.linspace: multiples of one step, the last value exact, the rest cut to integers.
    let step = Double(last) / Double(count - 1)
    return (0..<count).map { $0 == count - 1 ? last : Int(Double($0) * step) }
  }
}

extension PromptTemplate {
  /// The frames that a model is shown under this template: `chat` and `vqa` are asked about seconds, `base`
  /// about evenly spaced frames.
  package var frameSampling: FrameSampling {
    switch self {
    case .chat, .vqa: .chat
    case .base: .base
    }
  }
}
