import CogBase
package import CogModel

/// Which frames of a video a model is shown.
///
/// Source: `load_video` of the published demo code, one strategy for the chat model and one for the base
/// model; `get_index` of MVBench.
package enum FrameSampling: Hashable, Sendable {
  /// One frame for each second from the start: the one whose start time is closest.
  case chat
  /// Frames evenly spaced over the first 60 seconds; a short video has some of them twice.
  case base
  /// So many frames, each the middle one of as many equal parts of the video; a short video has some of them
  /// twice.
  case uniform(Int)

  /// The strategies of the published models.
  package static let published: [FrameSampling] = [.chat, .base]

  /// The number of frames that the published models take at most (`chat`) or always (`base`).
  package static let publishedMaximum = 24
  private static let baseSeconds = 60
  /// The most frames that can be asked for.
  package static let uniformMaximum = 1024

  /// The sampling of a name: `chat`, `base`, or `uniform:N`, for which the number alone will do.
  ///
  /// - Throws: ``CogError`` when there is no such sampling.
  package init(named name: String) throws {
    switch name {
    case "chat": self = .chat
    case "base": self = .base
    default:
      let digits = name.hasPrefix("uniform:") ? name.dropFirst("uniform:".count) : name[...]
      guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int(digits),
        (1...Self.uniformMaximum).contains(count)
      else {
        throw CogError(
          "there is no such choice of frames",
          expected: "chat, base or uniform:N with N from 1 to \(Self.uniformMaximum)", found: name)
      }
      self = .uniform(count)
    }
  }

  /// The name, such as `uniform:16`.
  package var name: String {
    switch self {
    case .chat: "chat"
    case .base: "base"
    case .uniform(let count): "uniform:\(count)"
    }
  }

  /// Seconds from the start of a video that it shows at most; nil where it shows all of it.
  package var shownSeconds: Int? {
    switch self {
    case .chat: Self.publishedMaximum
    case .base: Self.baseSeconds
    case .uniform: nil
    }
  }

  /// The chosen frames by their number in presentation order, in the order in which the model is shown them.
  ///
  /// - Parameters:
  ///   - times: the start time of each frame in seconds, in presentation order; 32-bit as decord returns
  ///     them.
  ///   - averageFrameRate: frames for each second as the file says, used by `base`.
  ///   - maximumFrames: the most frames (`chat`), the exact number of them (`base`); `uniform` has its own.
  package func indices(times: [Float], averageFrameRate: Double, maximumFrames: Int = publishedMaximum)
    -> [Int]
  {
    guard !times.isEmpty, maximumFrames > 0 else { return [] }
    switch self {
    case .chat: return Self.secondIndices(times, maximumFrames)
    case .base: return Self.evenIndices(times.count, averageFrameRate, maximumFrames)
    case .uniform(let count): return Self.middleIndices(times.count, count)
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
      averageFrameRate.isFinite
      ? Int(min(max(Double(baseSeconds) * averageFrameRate, 1), Double(Int32.max))) : frameCount
    let last = min(frameCount, inMinute) - 1
    guard count > 1 else { return [0] }
    // numpy.linspace: multiples of one step, the last value exact, the rest cut to integers.
    let step = Double(last) / Double(count - 1)
    return (0..<count).map { $0 == count - 1 ? last : Int(Double($0) * step) }
  }
}

extension FrameSampling {
  /// MVBench's `get_index` without bounds: the middle of each of `count` parts, where the parts begin at
  /// multiples of their length, rounded with halves to even as numpy rounds.
  private static func middleIndices(_ frameCount: Int, _ count: Int) -> [Int] {
    middles(from: 0, to: frameCount - 1, count)
  }

  /// The same between two frames, which may be one.
  static func middles(from first: Int, to last: Int, _ count: Int) -> [Int] {
    let length = Double(last - first) / Double(count)
    return (0..<count).map {
      Int(Double(first) + length / 2 + (length * Double($0)).rounded(.toNearestOrEven))
    }
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
