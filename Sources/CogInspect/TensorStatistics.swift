public import CogBase

/// Figures of the elements of a tensor, a layer or a part.
///
/// All but the counts are over the finite elements and nil where there are none. Which are exact, ``isExact`` and
/// ``percentileError`` say; `Formats/commands.md` has the definitions.
public struct Figures: Equatable, Sendable, Codable {
  /// A percentile of the magnitudes.
  public struct Percentile: Equatable, Sendable, Codable {
    /// The share of elements at or below, in percent.
    public let percent: Double
    /// The magnitude.
    public let value: Double
  }

  /// The percentiles that are given.
  public static let percents = [0.1, 1, 50, 99, 99.9]
  /// Bins of ``histogram``.
  public static let histogramBins = 64

  /// All elements, the finite and the others.
  public var count = 0
  /// Elements that are 0 or -0.
  public var zeros = 0
  /// Elements other than 0 below the smallest normal number of the type that they are stored in.
  public var subnormals = 0
  /// Elements that are not a number.
  public var nan = 0
  /// Infinite elements.
  public var infinite = 0
  /// The smallest element.
  public var minimum: Double?
  /// The largest element.
  public var maximum: Double?
  /// The largest magnitude.
  public var absoluteMaximum: Double?
  /// The mean.
  public var mean: Double?
  /// Root of the mean squared distance from the mean.
  public var standardDeviation: Double?
  /// The fourth standardized moment, 3 for a normal distribution; nil where all elements are equal.
  public var kurtosis: Double?
  /// ``percents`` of the magnitudes; empty for no finite elements.
  public var percentiles: [Percentile] = []
  /// Bits of information of an element.
  public var entropyBits: Double?
  /// Counts between minimum and maximum.
  public var histogram: Histogram?
  /// Counts by power of two.
  public var exponents: ExponentHistogram?
  /// Whether percentiles, histogram and entropy come from the count of every single value.
  public var isExact = true
  /// How far a percentile may be off, as a share of itself: 0, or 2^-9 where values were counted in bins.
  public var percentileError = 0.0

  /// Of no elements.
  public init() {}
}

/// The largest magnitudes of the rows or columns of a tensor.
public struct ChannelMaxima: Equatable, Sendable, Codable {
  /// One channel.
  public struct Channel: Equatable, Sendable, Codable {
    /// Its number, from 0.
    public let index: Int
    /// Its largest magnitude.
    public let maximum: Double
  }

  /// Channels that ``worst`` names at most.
  static let worstCount = 5
  /// Runs of channels that ``profile`` has at most.
  static let profileCount = 64

  /// The number of channels.
  public let count: Int
  /// The median of their largest magnitudes (the lower of two).
  public let median: Double
  /// Those with the largest ones, the largest first.
  public let worst: [Channel]
  /// The largest magnitude in each of at most 64 runs of neighbors, as equal in length as they can be.
  public let profile: [Double]

  /// How far the worst channel stands out: its largest magnitude over the median; nil where the median is 0.
  public var outlierRatio: Double? {
    guard let worst = worst.first, median > 0 else { return nil }
    return worst.maximum / median
  }

  /// - Parameter maxima: of all channels; there is one at least.
  init?(_ maxima: [Float]) {
    guard !maxima.isEmpty else { return nil }
    count = maxima.count
    median = Double(maxima.sorted()[(maxima.count - 1) / 2])
    let order = maxima.indices.sorted { (maxima[$1], $0) < (maxima[$0], $1) }
    worst = order.prefix(Self.worstCount).map { Channel(index: $0, maximum: Double(maxima[$0])) }
    let runs = min(Self.profileCount, maxima.count)
    profile = (0..<runs).map { run in
      let run = maxima[run * maxima.count / runs..<(run + 1) * maxima.count / runs]
      return Double(run.max() ?? 0)
    }
  }
}

/// The figures of one tensor.
public struct TensorStatistics: Equatable, Sendable, Codable {
  /// Its name.
  public let name: String
  /// The part of the model, or what its name begins with.
  public let part: String
  /// The layer, such as `model.layers.3`; nil outside of layers.
  public let layer: String?
  /// Its element type or encoding, such as `BF16` or `int4/64`.
  public let type: String
  /// Its shape.
  public let shape: Shape
  /// What its elements are.
  public let figures: Figures
  /// Of rows: output channels. Nil for too many.
  public let rows: ChannelMaxima?
  /// Of columns: input channels. Nil where there are none, or too many.
  public let columns: ChannelMaxima?
  /// Groups of neighboring elements that are all zeros; nil where there are none.
  public let zeroGroups: ZeroGroups?
  /// The indices of the first element that is NaN or infinite; nil where there is none.
  public let firstNotFinite: [Int]?
}

/// The figures of a layer, a part or all tensors together.
public struct GroupStatistics: Equatable, Sendable, Codable {
  /// The layer, the part, or `total`.
  public let name: String
  /// The number of its tensors.
  public let tensorCount: Int
  /// What their elements are, all together. The entropy is the mean over elements of their tensors' entropy.
  public let figures: Figures
}

/// What `cogvlm stats` finds.
public struct StatisticsReport: Equatable, Sendable, Codable {
  /// The path that was looked at.
  public let path: String
  /// What a reader should know besides.
  public let notes: [String]
  /// Every tensor, in the order of the files.
  public let tensors: [TensorStatistics]
  /// The layers that have tensors, in order.
  public let layers: [GroupStatistics]
  /// The parts in the order of their first tensor.
  public let parts: [GroupStatistics]
  /// All tensors together, under the name `total`.
  public let total: GroupStatistics
}
