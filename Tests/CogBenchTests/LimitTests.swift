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
    #expect(words.withUnsafeBytes { $0.baseAddress.map { cog_sum_words($0, byteCount) } } == expected)
  }

  static let sets = (0..<COG_INSTRUCTION_SET_COUNT).map { CogInstructionSet(UInt32($0)) }

  @Test("The peak loops count operations in proportion to their rounds, and none where the set is missing")
  func operations() {
    for set in Self.sets {
      for peak in [cog_int8_peak, cog_float_peak] {
        #expect(peak(set, 0) == 0)
        let once = peak(set, 1)
        #expect((once > 0) == (cog_kernels(set) != nil))
        #expect(peak(set, 1000) == 1000 * once)
      }
    }
  }

  @Test("All three limits are positive numbers for every instruction set of this machine")
  func measured() throws {
    let pool = ThreadPool(threadCount: 2)
    for kernels in KernelSet.available {
      let limits = try MachineLimits.measure(kernels: kernels, pool: pool)
      for value in [
        limits.readBytesPerSecond, limits.int8OperationsPerSecond, limits.floatOperationsPerSecond,
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
