import CKernels
import CogBench
import CogCompute
import Testing

@Suite struct LimitTests {
  @Test(
    "The read loop sums every 64-bit word of whole lines, and leaves a rest out",
    arguments: [0, 8, 56, 64, 72, 128, 640, 4096, 100_000])
  func sum(byteCount: Int) {
    let words = (0..<(byteCount + 64) / 8).map { UInt64($0) &* 0x9E37_79B9_7F4A_7C15 }
    let expected = words.prefix(byteCount / 64 * 8).reduce(0, &+)
    for kernels in KernelSet.available {
      let loops = kernels.limits
      #expect(words.withUnsafeBytes { $0.baseAddress.map { loops.sum_words($0, byteCount) } } == expected)
    }
  }

  @Test("The peak loops of every instruction set count operations in proportion to their rounds")
  func operations() {
    for kernels in KernelSet.available {
      let tiles = kernels.limits.tile_peak.map { [$0] } ?? []
      #expect(tiles.isEmpty == !["amx", "neon-i8mm"].contains(kernels.name))
      for peak in [kernels.limits.int8_peak, kernels.limits.float_peak] + tiles {
        #expect(peak(0) == 0)
        let once = peak(1)
        #expect(once > 0)
        #expect(peak(1000) == 1000 * once)
      }
    }
  }

  @Test("All limits are positive numbers for every instruction set of this machine")
  func measured() throws {
    let pool = ThreadPool(threadCount: 2)
    for kernels in KernelSet.available {
      let limits = try MachineLimits.measure(kernels: kernels, pool: pool)
      for value in [
        limits.readBytesPerSecond, limits.int8OperationsPerSecond, limits.floatOperationsPerSecond,
        limits.tileOperationsPerSecond ?? 1,
      ] {
        #expect(value.isFinite && value > 0)
      }
    }
  }
}

@Suite struct SpreadTests {
  @Test("The median is the value in the middle, or the mean of the two there; nothing has no spread")
  func median() {
    #expect(Spread([3, 1, 2])?.median == 2)
    #expect(Spread([4, 1, 2, 3])?.median == 2.5)
    #expect(Spread([7])?.median == 7)
    #expect(Spread([]) == nil)
    #expect(Spread([5, -1, 2])?.minimum == -1)
    #expect(Spread([5, -1, 2])?.maximum == 5)
  }
}
