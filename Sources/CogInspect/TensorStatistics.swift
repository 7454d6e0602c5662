package import CogBase
package import CogModel

/// Figures of the elements of a tensor, a layer or a part.
///
/// All but the counts are over the finite elements and nil where there are none. Which are exact, ``isExact``
/// and ``percentileError`` say; `Formats/commands.md` has the definitions.
package struct Figures: Equatable, Sendable, Codable {
  /// A percentile of the magnitudes.
  package struct Percentile: Equatable, Sendable, Codable {
    /// The share of elements at or below, in percent.
    package let percent: Double
    /// The magnitude.
    package let value: Double
  }

  /// The percentiles that are given.
  package static let percents = [0.1, 1, 50, 99, 99.9]
  /// Bins of ``histogram``.
  package static let histogramBins = 64

  /// All elements, the finite and the others.
  package var count = 0
  /// Elements that are 0 or -0.
  package var zeros = 0
  /// Elements other than 0 below the smallest normal number of the type that they are stored in.
  package var subnormals = 0
  /// Elements that are not a number.
  package var nan = 0
  /// Infinite elements.
  package var infinite = 0
  /// The smallest element.
  package var minimum: Double?
  /// The largest element.
  package var maximum: Double?
  /// The largest magnitude.
  package var absoluteMaximum: Double?
  /// The mean.
  package var mean: Double?
  /// Root of the mean squared distance from the mean.
  package var standardDeviation: Double?
  /// The fourth standardized moment, 3 for a normal distribution; nil where all elements are equal.
  package var kurtosis: Double?
  /// ``percents`` of the magnitudes; empty for no finite elements.
  package var percentiles: [Percentile] = []
  /// Bits of information of an element.
  package var entropyBits: Double?
  /// Counts between minimum and maximum.
  package var histogram: Histogram?
  /// Counts by power of two.
  package var exponents: ExponentHistogram?
  /// Whether percentiles, histogram and entropy come from the count of every single value.
  package var isExact = true
  /// How far a percentile may be off, as a share of itself: 0, or 2^-9 where values were counted in bins.
  package var percentileError = 0.0

  /// Of no elements.
  package init() {}
}

/// The largest magnitudes of the rows or columns of a tensor.
package struct ChannelMaxima: Equatable, Sendable, Codable {
  /// One channel.
  package struct Channel: Equatable, Sendable, Codable {
    /// Its number, from 0.
    package let index: Int
    /// Its largest magnitude.
    package let maximum: Double
  }

  /// Channels that ``worst`` names at most.
  static let worstCount = 5
  /// Runs of channels that ``profile`` has at most.
  static let profileCount = 64

  /// The number of channels.
  package let count: Int
  /// The median of their largest magnitudes (the lower of two).
  package let median: Double
  /// Those with the largest ones, the largest first.
  package let worst: [Channel]
  /// The largest magnitude in each of at most 64 runs of neighbors, as equal in length as they can be.
  package let profile: [Double]

  /// How far the worst channel stands out: its largest magnitude over the median; nil where the median is 0.
  package var outlierRatio: Double? {
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
package struct TensorStatistics: Equatable, Sendable, Codable {
  /// Its name.
  package let name: String
  /// The part of the model, or what its name begins with.
  package let part: String
  /// The layer, such as `model.layers.3`; nil outside of layers.
  package let layer: String?
  /// Its element type or encoding, such as `BF16` or `int4/64`.
  package let type: TensorEncoding
  /// Its shape.
  package let shape: Shape
  /// What its elements are.
  package let figures: Figures
  /// Of rows: output channels. Nil for too many.
  package let rows: ChannelMaxima?
  /// Of columns: input channels. Nil where there are none, or too many.
  package let columns: ChannelMaxima?
  /// Groups of neighboring elements that are all zeros; nil where there are none.
  package let zeroGroups: ZeroGroups?
  /// The indices of the first element that is NaN or infinite; nil where there is none.
  package let firstNotFinite: [Int]?
}

/// The figures of a layer, a part or all tensors together.
package struct GroupStatistics: Equatable, Sendable, Codable {
  /// The layer, the part, or `total`.
  package let name: String
  /// The number of its tensors.
  package let tensorCount: Int
  /// What their elements are, all together. The entropy is the mean over elements of their tensors' entropy.
  package let figures: Figures
}

/// What `cogvlm stats` finds.
package struct StatisticsReport: Equatable, Sendable, Codable {
  /// The path that was inspected.
  package let path: String
  /// What a reader should know besides.
  package let notes: [String]
  /// Every tensor, in the order of the files.
  package let tensors: [TensorStatistics]
  /// The layers that have tensors, in order.
  package let layers: [GroupStatistics]
  /// The parts in the order of their first tensor.
  package let parts: [GroupStatistics]
  /// All tensors together, under the name `total`.
  package let total: GroupStatistics
}
