import CKernels

/// Sums over the chunks of float32 values, added in order.
struct FloatTotals {
  private(set) var moments = Moments()
  private(set) var minimum = Double.infinity
  private(set) var maximum = -Double.infinity
  private(set) var zeros = 0
  private(set) var infinities = 0
  private(set) var lostBits: UInt32 = 0

  mutating func add(_ summary: CogFloatSummary) {
    moments.merge(Moments(summary.moments))
    minimum = min(minimum, Double(summary.minimum))
    maximum = max(maximum, Double(summary.maximum))
    zeros += summary.zeros
    infinities += summary.infinities
    lostBits |= summary.low_bits
  }
}

/// What was measured of one tensor: its figures, and what the figures of its layer and part are made of.
struct TensorMeasurement {
  let figures: Figures
  let counts: ValueCounts
  let moments: Moments
  let rows: ChannelMaxima?
  let columns: ChannelMaxima?
  var zeroGroups: ZeroGroups?
  /// The place of the first element that is NaN or infinite, in row-major order.
  var firstNotFinite: Int?

  /// - Parameters:
  ///   - floats: sums of the values where they were counted as float32, nil for 16-bit elements.
  ///   - smallestNormal: the smallest normal number of the stored type.
  ///   - codeCounts: of a quantized tensor: its entropy is that of the codes.
  init(
    counts: ValueCounts, floats: FloatTotals?, smallestNormal: Double, codeCounts: [Int]?, rows: [Float],
    columns: [Float]
  ) {
    let distribution = Distribution(counts)
    // Where every value was counted, sums come from the counts: they are the same in every container and
    // type.
    let moments =
      floats.map { counts.isExact ? Moments(distribution.values) : $0.moments }
      ?? Moments(distribution.values)
    var figures = Figures()
    figures.count = distribution.count + distribution.nanCount + distribution.infiniteCount
    figures.infinite = floats?.infinities ?? distribution.infiniteCount
    figures.nan = figures.count - distribution.count - figures.infinite
    let countedZeros = distribution.values.first { $0.value == 0 }?.count ?? 0
    figures.zeros = floats?.zeros ?? countedZeros
    let small = distribution.values.lazy.filter { abs($0.value) < smallestNormal }.reduce(0) { $0 + $1.count }
    figures.subnormals = small - figures.zeros
    if distribution.count > 0 {
      let range =
        floats.map { ($0.minimum, $0.maximum) }
        ?? (distribution.values.first?.value ?? 0, distribution.values.last?.value ?? 0)
      figures.setRange(range.0, range.1, distribution)
      figures.setMoments(moments)
    }
    figures.entropyBits =
      figures.count == 0 ? nil : codeCounts.map(ValueCounts.entropyBits) ?? counts.entropyBits
    figures.setAccuracy(counts)
    self.figures = figures
    self.counts = counts
    self.moments = moments
    self.rows = ChannelMaxima(rows)
    self.columns = ChannelMaxima(columns)
  }
}

extension Figures {
  /// Fills in what depends on the smallest and the largest element.
  mutating func setRange(_ minimum: Double, _ maximum: Double, _ distribution: Distribution) {
    self.minimum = minimum
    self.maximum = maximum
    absoluteMaximum = max(abs(minimum), abs(maximum))
    let (low, high) = (minimum, maximum)
    let smallest = low > 0 ? low : high < 0 ? -high : 0
    percentiles = Self.percents.compactMap { percent in
      distribution.percentile(percent).map {
        // The middle of a bin may lie beyond the values in it.
        Percentile(percent: percent, value: min(max($0, smallest), max(abs(low), abs(high))))
      }
    }
    histogram = distribution.histogram(minimum: low, maximum: high, bins: Self.histogramBins)
    exponents = distribution.exponents
  }

  mutating func setMoments(_ moments: Moments) {
    guard let variance = moments.variance else { return }
    mean = moments.mean
    standardDeviation = variance.squareRoot()
    kurtosis = moments.kurtosis
  }

  mutating func setAccuracy(_ counts: ValueCounts) {
    isExact = counts.isExact
    percentileError = counts.isExact ? 0 : ValueCounts.binError
  }
}
