import CKernels
import CogBase
package import CogCompute
import Glibc

/// What the machine can do at most, measured beside the model: the yardsticks of a benchmark.
package struct MachineLimits: Equatable, Sendable, Codable {
  /// Bytes per second that all threads together read from memory.
  package var readBytesPerSecond: Double
  /// 8-bit integer operations per second of all threads, a multiplication and an addition counted as two.
  package var int8OperationsPerSecond: Double
  /// Float32 operations per second of all threads, counted likewise.
  package var floatOperationsPerSecond: Double
  /// The same as of ``int8OperationsPerSecond`` by products of tiles; nil where the instruction set has none.
  package var tileOperationsPerSecond: Double?

  /// Seconds that each of the measurements takes, about.
  private static let seconds = 0.25
  private static let smallestBuffer = 512 << 20

  /// The most operations per second of products of which a share is made of 8-bit integers, the others of
  /// float32.
  func peak(int8Share share: Double) -> Double {
    let int8 = max(int8OperationsPerSecond, tileOperationsPerSecond ?? 0)
    let seconds = (share > 0 ? share / int8 : 0) + (share < 1 ? (1 - share) / floatOperationsPerSecond : 0)
    return 1 / seconds
  }

  /// Measures all of them.
  ///
  /// - Parameters:
  ///   - kernels: the instruction set whose dot products and multiply-adds count.
  ///   - pool: the threads.
  /// - Throws: `CogError` when there is no memory for the buffer that is read.
  package static func measure(kernels: KernelSet, pool: ThreadPool) throws -> MachineLimits {
    let loops = kernels.limits
    return MachineLimits(
      readBytesPerSecond: try readBandwidth(kernels: kernels, pool: pool),
      int8OperationsPerSecond: operationRate(pool) { loops.int8_peak($0) },
      floatOperationsPerSecond: operationRate(pool) { loops.float_peak($0) },
      tileOperationsPerSecond: loops.tile_peak.map { peak in operationRate(pool) { peak($0) } })
  }

  /// Sums a buffer far larger than the caches, over and over, and returns bytes per second.
  ///
  /// - Throws: `CogError` when there is no memory for the buffer.
  static func readBandwidth(kernels: KernelSet, pool: ThreadPool) throws -> Double {
    let sum = kernels.limits.sum_words
    let cache = max(0, sysconf(Int32(_SC_LEVEL3_CACHE_SIZE)))
    let byteCount = max(smallestBuffer, 8 * cache)
    guard
      let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      base != MAP_FAILED
    else {
      throw CogError.system("cannot get \(byteCount) bytes of memory to read", file: "memory", code: errno)
    }
    defer { munmap(base, byteCount) }
    // With small pages the time to translate addresses would hide a part of what the memory can do.
    madvise(base, byteCount, MADV_HUGEPAGE)
    let parts = pool.threadCount * 16
    let partBytes = byteCount / parts / 64 * 64
    pool.parallelFor(parts) { memset(base + $0 * partBytes, 1, partBytes) }
    let sums = SharedResults<UInt64>(count: parts, initial: 0)
    var passes = 0
    let elapsed = time {
      let start = ContinuousClock.now
      while (ContinuousClock.now - start).seconds < seconds {
        pool.parallelFor(parts) { sums[$0] = sum(base + $0 * partBytes, partBytes) }
        passes += 1
      }
    }
    return Double(passes * parts * partBytes) / elapsed
  }

  /// Runs a register-only loop on every thread, long enough for the start of the threads not to count.
  private static func operationRate(_ pool: ThreadPool, _ loop: (Int) -> Double) -> Double {
    var rounds = 1 << 12
    while true {
      let done = SharedResults<Double>(count: pool.threadCount, initial: 0)
      let elapsed = time { pool.parallelFor(pool.threadCount) { done[$0] = loop(rounds) } }
      if elapsed >= seconds || rounds > 1 << 40 {
        return elapsed > 0 ? done.values.reduce(0, +) / elapsed : 0
      }
      rounds *= elapsed < seconds / 8 ? 4 : 2
    }
  }

  private static func time(_ body: () -> Void) -> Double {
    let start = ContinuousClock.now
    body()
    return (ContinuousClock.now - start).seconds
  }
}

/// A place for the result of each iteration of a parallel loop.
private final class SharedResults<Value>: @unchecked Sendable {
  private let buffer: UnsafeMutableBufferPointer<Value>

  init(count: Int, initial: Value) {
    buffer = .allocate(capacity: count)
    buffer.initialize(repeating: initial)
  }

  deinit { buffer.deallocate() }

  /// Written by one iteration each, read after the loop.
  subscript(index: Int) -> Value {
    get { buffer[index] }
    set { buffer[index] = newValue }
  }

  var values: [Value] { Array(buffer) }
}
