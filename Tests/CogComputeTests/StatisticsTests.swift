import CKernels
import CogCompute
import Testing

/// The loops of statistics and comparisons: plain twins, and every instruction set against the portable one.
@Suite struct StatisticsTests {
  /// Lengths around the 16, 32 and 64 partial results of the loops.
  static let lengths = [0, 1, 2, 3, 15, 16, 17, 31, 33, 63, 64, 65, 1000, 4097]

  /// Values of every kind that float32 has, the same on every run.
  static func values(_ count: Int, seed: UInt64 = 1) -> [Float] {
    var state = seed
    return (0..<count).map { index in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let bits = UInt32(truncatingIfNeeded: state >> 32)
      switch index % 11 {
      case 3: return [.nan, .infinity, -.infinity, 0, -0.0][Int(bits % 5)]
      case 7: return Float(bitPattern: bits & 0x807F_FFFF)  // subnormal or 0
      default: return (Float(bits) / 4_294_967_296 - 0.5) * Float(1 << (bits % 7))
      }
    }
  }

  /// The values' bytes from an odd address.
  static func unaligned<Element>(_ values: [Element], _ body: (UnsafeRawPointer) -> Void) {
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: values.count * 8 + 64, alignment: 64)
    defer { bytes.deallocate() }
    values.withUnsafeBytes { source in
      if let base = source.baseAddress { (bytes + 1).copyMemory(from: base, byteCount: source.count) }
    }
    body(UnsafeRawPointer(bytes + 1))
  }

  @Test(
    "halves and floats are counted as one by one, the two tables together",
    arguments: KernelSet.available.map(\.name))
  func counts(_ name: String) throws {
    let loops = try KernelSet.named(name).statistics
    for length in Self.lengths {
      let floats = Self.values(length)
      let halves = floats.map { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) }
      var table = [UInt32](repeating: 0, count: 2 * COG_HALF_BINS)
      Self.unaligned(halves) { loops.count_halves($0, length, &table) }
      var expected = [UInt32](repeating: 0, count: COG_HALF_BINS)
      for half in halves { expected[Int(half)] += 1 }
      #expect((0..<COG_HALF_BINS).allSatisfy { table[$0] + table[$0 + COG_HALF_BINS] == expected[$0] })
      table = [UInt32](repeating: 0, count: 2 * COG_FLOAT_BINS)
      Self.unaligned(floats) { loops.count_floats($0, length, &table) }
      expected = [UInt32](repeating: 0, count: COG_FLOAT_BINS)
      for value in floats { expected[Int(value.bitPattern >> 15)] += 1 }
      #expect((0..<COG_FLOAT_BINS).allSatisfy { table[$0] + table[$0 + COG_FLOAT_BINS] == expected[$0] })
    }
  }

  @Test(
    "maxima are those of finite magnitudes, and raise their columns",
    arguments: KernelSet.available.map(\.name))
  func maxima(_ name: String) throws {
    let loops = try KernelSet.named(name).statistics
    for length in Self.lengths {
      let floats = Self.values(length)
      let magnitudes = floats.map { Int32(bitPattern: $0.isFinite ? $0.magnitude.bitPattern : 0) }
      var columns = [Int32](repeating: 0x3F00_0000, count: length + 1)
      Self.unaligned(floats) { values in
        #expect(loops.float_maximum(values, length, 0x7F80_0000, &columns) == magnitudes.max() ?? 0)
        #expect(loops.float_maximum(values, length, 0x7F80_0000, nil) == magnitudes.max() ?? 0)
      }
      #expect(columns == magnitudes.map { max($0, 0x3F00_0000) } + [0x3F00_0000])
      let halves = floats.map { Int16(truncatingIfNeeded: Int32(bitPattern: $0.bitPattern) >> 16) }
      let halfMagnitudes = halves.map { $0 & 0x7FFF < 0x7F80 ? $0 & 0x7FFF : 0 }
      var halfColumns = [Int16](repeating: 0x3F00, count: length + 1)
      Self.unaligned(halves) { values in
        #expect(loops.half_maximum(values, length, 0x7F80, &halfColumns) == halfMagnitudes.max() ?? 0)
      }
      #expect(halfColumns == halfMagnitudes.map { max($0, 0x3F00) } + [0x3F00])
    }
  }

  @Test("sums agree with plain ones, and every instruction set gives the portable one's bits")
  func summaries() throws {
    let portable = try KernelSet.named("portable").statistics
    for length in Self.lengths {
      let floats = Self.values(length)
      let finite = floats.filter(\.isFinite).map(Double.init)
      Self.unaligned(floats) { values in
        let summary = portable.summarize_floats(values, length)
        #expect(summary.moments.count == finite.count)
        #expect(
          summary.zeros == floats.count { $0 == 0 } && summary.infinities == floats.count { $0.isInfinite })
        #expect(Double(summary.minimum) == finite.min() ?? .infinity)
        #expect(Double(summary.maximum) == finite.max() ?? -.infinity)
        #expect(summary.low_bits == floats.reduce(0) { $0 | $1.bitPattern & 0x7FFF })
        let mean = finite.reduce(0, +) / Double(max(1, finite.count))
        let powers = [2.0, 3, 4].map { power in
          finite.reduce(0) {
            $0 + (power == 3 ? $1 - mean : 1) * (power == 4 ? ($1 - mean) * ($1 - mean) : 1) * ($1 - mean)
              * ($1 - mean)
          }
        }
        let scale = finite.reduce(1e-300) { $0 + abs($1) }
        #expect(abs(summary.moments.mean - mean) <= 1e-14 * scale)
        #expect(abs(summary.moments.sum2 - powers[0]) <= 1e-12 * powers[0])
        #expect(abs(summary.moments.sum3 - powers[1]) <= 1e-12 * (powers[0] + powers[2]))
        #expect(abs(summary.moments.sum4 - powers[2]) <= 1e-12 * powers[2])
        for set in KernelSet.available {
          let other = set.statistics.summarize_floats(values, length)
          #expect(
            [other.moments.mean, other.moments.sum2, other.moments.sum3, other.moments.sum4].map(\.bitPattern)
              == [summary.moments.mean, summary.moments.sum2, summary.moments.sum3, summary.moments.sum4].map(
                \.bitPattern),
            "\(set.name)")
          #expect(other.minimum == summary.minimum && other.maximum == summary.maximum)
          #expect(other.moments.count == summary.moments.count && other.low_bits == summary.low_bits)
        }
      }
    }
  }

  @Test("groups of zeros are those that a plain search finds, from any address")
  func zeroGroups() {
    for (count, size) in [(0, 64), (1, 64), (64, 64), (65, 64), (200, 32), (129, 128)] {
      for period in [1, 3, 70, 1000] {
        let values = (0..<count).map { Float($0 % period == period - 1 && $0 > size ? 1 : 0) * 2 - 0.0 }
        let groups = stride(from: 0, to: count, by: size).filter { start in
          values[start..<min(start + size, count)].allSatisfy { $0 == 0 }
        }
        let halves = values.map { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) | ($0 == 0 ? 0x8000 : 0) }
        for width in [2, 4] {
          var first = -1 as Int
          func check(_ bytes: UnsafeRawPointer) {
            #expect(cog_count_zero_groups(bytes, count, width, size, &first) == groups.count)
          }
          width == 2 ? Self.unaligned(halves, check) : Self.unaligned(values, check)
          #expect(first == groups.first ?? -1)
        }
      }
    }
  }

  @Test("differences agree with plain ones, name their places, and are the same in every instruction set")
  func differences() throws {
    for (length, groupSize) in [(0, 64), (1, 32), (33, 32), (100, 64), (4097, 128), (130, 64)] {
      let b = Self.values(length)
      var a = b
      for index in a.indices where index % 5 == 2 { a[index] += Float(index % 3) * 0.01 }
      if length > 90 { (a[90], a[70]) = (b[90].isFinite ? .nan : 1, a[70] + 100) }
      let pairs = zip(a, b).map { ($0.isFinite && $1.isFinite) ? (Double($0), Double($1)) : (0, 0) }
      let unlike = a.indices.filter {
        !(a[$0].isFinite && b[$0].isFinite) && a[$0].bitPattern != b[$0].bitPattern
      }
      let noise = pairs.map { ($0.0 - $0.1) * ($0.0 - $0.1) }
      let largest = pairs.map { abs($0.0 - $0.1) }
      let groups = stride(from: 0, to: length, by: groupSize).map { first -> Double in
        let range = first..<min(first + groupSize, length)
        let (error, signal) = (noise[range].reduce(0, +), pairs[range].reduce(0) { $0 + $1.1 * $1.1 })
        return error == 0 ? 0 : (error / signal).squareRoot()
      }
      for set in KernelSet.available {
        var found = CogDifference()
        // Two rows: places are counted over both.
        for _ in 0..<2 {
          Self.unaligned(a) { a in
            Self.unaligned(b) { set.statistics.compare(a, $0, length, groupSize, &found) }
          }
        }
        #expect(found.count == 2 * length && found.not_finite == 2 * unlike.count)
        #expect(abs(found.squared_difference - 2 * noise.reduce(0, +)) <= 1e-12 * found.squared_difference)
        #expect(abs(found.squares_b - 2 * pairs.reduce(0) { $0 + $1.1 * $1.1 }) <= 1e-12 * found.squares_b)
        #expect(abs(found.products - 2 * pairs.reduce(0) { $0 + $1.0 * $1.1 }) <= 1e-12 * found.squares_b)
        #expect(found.largest == largest.max() ?? 0)
        if let most = largest.max(), most > 0 { #expect(found.largest_at == largest.firstIndex(of: most)) }
        if let first = unlike.first { #expect(found.first_not_finite == first) }
        if let worst = groups.max(), worst > 0 {
          #expect(abs(found.worst_group - worst) <= 1e-12 * worst)
          #expect(found.worst_group_at == groups.firstIndex(of: worst).map { $0 * groupSize })
        }
      }
    }
  }
}
