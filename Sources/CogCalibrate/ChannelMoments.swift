import CogBase
package import CogCompute

/// What the channels of a linear layer's input were over all tokens that were seen: enough for mean, second
/// moment and largest magnitude, as sums, so that those of several videos are added.
package struct ChannelMoments: Equatable, Sendable {
  /// Tokens.
  package private(set) var count: Int
  /// The sum of each channel's values, `[columns]`.
  package private(set) var sum: [Double]
  /// The sum of their squares, `[columns]`.
  package private(set) var sumOfSquares: [Double]
  /// The largest of their magnitudes, `[columns]`.
  package private(set) var largest: [Float]

  /// Channels: columns of the layer's weight.
  package var columns: Int { sum.count }

  /// Of no tokens.
  package init(columns: Int) {
    self.init(
      count: 0, sum: [Double](repeating: 0, count: columns),
      sumOfSquares: [Double](repeating: 0, count: columns), largest: [Float](repeating: 0, count: columns))
  }

  /// Of sums that are known; the three lists are equally long.
  package init(count: Int, sum: [Double], sumOfSquares: [Double], largest: [Float]) {
    precondition(sum.count == sumOfSquares.count && sum.count == largest.count, "a sum for each channel")
    (self.count, self.sum, self.sumOfSquares, self.largest) = (count, sum, sumOfSquares, largest)
  }

  /// The mean of a channel; of no tokens 0.
  package func mean(_ channel: Int) -> Double { count > 0 ? sum[channel] / Double(count) : 0 }

  /// The mean square of a channel; of no tokens 0.
  package func secondMoment(_ channel: Int) -> Double {
    count > 0 ? sumOfSquares[channel] / Double(count) : 0
  }

  /// Adds the moments of other tokens of the same channels.
  package mutating func add(_ other: ChannelMoments) {
    precondition(columns == other.columns, "moments of the same channels")
    count += other.count
    for channel in sum.indices {
      sum[channel] += other.sum[channel]
      sumOfSquares[channel] += other.sumOfSquares[channel]
      largest[channel] = max(largest[channel], other.largest[channel])
    }
  }

  /// The first channel whose values were not all finite, or nil.
  var firstNotFinite: Int? { sumOfSquares.firstIndex { !$0.isFinite } }
}

// MARK: Summing

extension ChannelMoments {
  /// Channels that a thread sums together: their sums stay in the first-level cache.
  private static let blockColumns = 256

  /// Adds some rows of an input. Each channel's values are added one after another in the order of the rows,
  /// in double precision: the threads share out channels, so their number changes nothing.
  ///
  /// - Parameters:
  ///   - input: `[tokens, columns]`.
  ///   - runs: rows of it, in order.
  package mutating func add(_ input: FloatMatrix, rows runs: [Range<Int>], threads: ThreadPool) {
    precondition(input.columns == columns, "an input has a moment for each channel")
    precondition(runs.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= input.rows }, "rows of the input")
    count += runs.reduce(0) { $0 + $1.count }
    let columns = columns
    let values = UnsafePointer(input.pointer)
    sum.withUnsafeMutableBufferPointer { sum in
      sumOfSquares.withUnsafeMutableBufferPointer { squares in
        largest.withUnsafeMutableBufferPointer { largest in
          guard let sum = sum.baseAddress, let squares = squares.baseAddress,
            let largest = largest.baseAddress
          else { return }
          threads.parallelFor((columns - 1) / Self.blockColumns + 1) { block in
            let first = block * Self.blockColumns
            let count = min(Self.blockColumns, columns - first)
            for row in runs.joined() {
              Self.add(
                values + row * columns + first, sum + first, squares + first, largest + first, count: count)
            }
          }
        }
      }
    }
    withExtendedLifetime(input) {}
  }

  /// Adds one row of a block of channels. A value that is not finite makes its sum of squares not finite.
  private static func add(
    _ values: UnsafePointer<Float>, _ sum: UnsafeMutablePointer<Double>,
    _ squares: UnsafeMutablePointer<Double>, _ largest: UnsafeMutablePointer<Float>, count: Int
  ) {
    typealias Lanes<Scalar: SIMDScalar> = SIMD8<Scalar>
    func load<Value>(_ pointer: UnsafePointer<some Any>, as type: Value.Type) -> Value {
      UnsafeRawPointer(pointer).loadUnaligned(as: type)
    }
    func store<Value>(_ value: Value, _ pointer: UnsafeMutablePointer<some Any>) {
      UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: Value.self)
    }
    let whole = count / 8 * 8
    for channel in stride(from: 0, to: whole, by: 8) {
      let row = load(values + channel, as: Lanes<Float>.self)
      let wide = Lanes<Double>(row)
      store(load(UnsafePointer(sum + channel), as: Lanes<Double>.self) + wide, sum + channel)
      store(
        load(UnsafePointer(squares + channel), as: Lanes<Double>.self) + wide * wide, squares + channel)
      let magnitudes = row.replacing(with: -row, where: row .< 0)
      let known = load(UnsafePointer(largest + channel), as: Lanes<Float>.self)
      store(known.replacing(with: magnitudes, where: magnitudes .> known), largest + channel)
    }
    for channel in whole..<count {
      let value = Double(values[channel])
      sum[channel] += value
      squares[channel] += value * value
      largest[channel] = max(largest[channel], abs(values[channel]))
    }
  }
}
