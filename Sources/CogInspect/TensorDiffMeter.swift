import CKernels
import CogModel
import CogBase
import CogCompute
import Glibc

/// Compares tensors on all threads, one pair after another.
///
/// Sums of chunks are added in the order of chunks, so that nothing depends on the number of threads.
final class TensorDiffMeter {
  /// Chunks between two checks for cancellation.
  private static let chunksInBlock = 512
  /// Columns of a group where neither side is quantized.
  static let plainGroupSize = 64

  private let kernels: KernelSet
  private let pool: ThreadPool
  private let cancellation: any Cancellation
  private let workers: [(a: MeterWorker, b: MeterWorker)]

  init(_ context: RunContext) {
    (kernels, pool, cancellation) = (context.kernels, context.threads, context.cancellation)
    workers = (0..<pool.threadCount).map { _ in
      (MeterWorker(context.kernels), MeterWorker(context.kernels))
    }
  }

  /// What a pair of tensors of one shape gives.
  struct Outcome {
    var difference = CogDifference()
    /// Whether encoding and all bytes are the same.
    var isIdentical = false
    var groupSize = TensorDiffMeter.plainGroupSize

    var sums: MeasureSums {
      var sums = MeasureSums()
      sums.count = difference.count
      sums.squaredDifference = difference.squared_difference
      (sums.squaresA, sums.squaresB) = (difference.squares_a, difference.squares_b)
      (sums.products, sums.largest) = (difference.products, difference.largest)
      sums.hasNaN = difference.not_finite > 0
      return sums
    }
  }

  /// Compares the bytes and the values of two tensors of one shape.
  ///
  /// - Parameter passed: is told how many bytes of each are done with.
  /// - Throws: what the cancellation throws; ``CogError`` for elements that cannot be converted.
  func compare(
    _ a: TensorDiffOperand, _ b: TensorDiffOperand, passed: (Int, Int) -> Void
  ) throws -> Outcome {
    try a.bytes.withUnsafeBytes { bytesA in
      try b.bytes.withUnsafeBytes { bytesB in
        // Rows are cut alike on both sides, at multiples of every group size, or nowhere where a side is
        // quantized.
        let isWhole = a.encoding.isQuantized || b.encoding.isQuantized
        let matrices = (
          a.matrix(bytesA, hasWholeRows: isWhole), b.matrix(bytesB, hasWholeRows: isWhole)
        )
        return try compare(a, b, matrices, passed: passed)
      }
    }
  }

  private func compare(
    _ a: TensorDiffOperand, _ b: TensorDiffOperand, _ matrices: (MeasuredMatrix, MeasuredMatrix),
    passed: (Int, Int) -> Void
  ) throws -> Outcome {
    var outcome = Outcome()
    outcome.groupSize = a.encoding.groupSize ?? b.encoding.groupSize ?? Self.plainGroupSize
    let layouts = (try a.layout, try b.layout)
    outcome.isIdentical = a.encoding == b.encoding
    for first in stride(from: 0, to: matrices.0.chunkCount, by: Self.chunksInBlock) {
      try cancellation.check()
      let block = first..<min(first + Self.chunksInBlock, matrices.0.chunkCount)
      for result in run(matrices, layouts, groupSize: outcome.groupSize, block) {
        let (difference, isSame) = try result.get()
        outcome.difference.add(difference)
        outcome.isIdentical = outcome.isIdentical && isSame
      }
      let last = block.upperBound - 1
      passed(matrices.0.bytesDone(through: last), matrices.1.bytesDone(through: last))
    }
    return outcome
  }

  private typealias ChunkResult = Result<(CogDifference, isSame: Bool), any Error>

  private func run(
    _ matrices: (MeasuredMatrix, MeasuredMatrix), _ layouts: (PanelLayout?, PanelLayout?), groupSize: Int,
    _ block: Range<Int>
  ) -> [ChunkResult] {
    let compare = kernels.statistics.compare
    let next = NextIndex(block.lowerBound)
    return [ChunkResult](unsafeUninitializedCapacity: block.count) { slots, initialized in
      guard let results = slots.baseAddress else { return }
      pool.parallelFor(min(workers.count, block.count)) { thread in
        while let index = next.take(below: block.upperBound) {
          let chunk = matrices.0.chunk(index)
          let result = ChunkResult {
            let a = try workers[thread].a.floats(matrices.0, layout: layouts.0, chunk)
            let b = try workers[thread].b.floats(matrices.1, layout: layouts.1, chunk)
            var difference = CogDifference()
            guard let left = a.baseAddress, let right = b.baseAddress else { return (difference, true) }
            for row in 0..<chunk.rows.count {
              let offset = row * chunk.columns.count * MemoryLayout<Float>.size
              compare(left + offset, right + offset, chunk.columns.count, groupSize, &difference)
            }
            return (
              difference, matrices.0.storedBytes(of: chunk).isSame(as: matrices.1.storedBytes(of: chunk))
            )
          }
          (results + (index - block.lowerBound)).initialize(to: result)
        }
      }
      initialized = block.count
    }
  }
}

/// One side of a comparison.
struct TensorDiffOperand {
  let shape: Shape
  let encoding: TensorEncoding
  let bytes: OwnedBytes

  init(_ entry: TensorEntry, _ bytes: OwnedBytes) {
    (shape, encoding, self.bytes) = (entry.shape, entry.encoding, bytes)
  }

  /// The tensor as `[first dimension, product of the others]`, as quantization groups it; a vector is one
  /// row.
  ///
  /// - Parameter bytes: those of the tensor, as long as the matrix is used.
  func matrix(_ bytes: UnsafeRawBufferPointer, hasWholeRows: Bool) -> MeasuredMatrix {
    MeasuredMatrix(
      rows: shape.rank > 1 ? shape.rows : 1, columns: shape.rank > 1 ? shape.columns : shape.elementCount,
      encoding: encoding, bytes: bytes, hasWholeRows: hasWholeRows)
  }

  var layout: PanelLayout? {
    get throws { encoding.isQuantized ? try PanelLayout(encoding: encoding, shape: shape) : nil }
  }
}

extension UnsafeRawBufferPointer {
  /// Whether another buffer has the same bytes.
  func isSame(as other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count, let a = baseAddress, let b = other.baseAddress else {
      return count == other.count
    }
    return memcmp(a, b, count) == 0
  }
}

extension CogDifference {
  /// Adds what follows it in the order of elements.
  fileprivate mutating func add(_ other: CogDifference) {
    squared_difference += other.squared_difference
    squares_a += other.squares_a
    squares_b += other.squares_b
    products += other.products
    if other.largest > largest { (largest, largest_at) = (other.largest, count + other.largest_at) }
    if other.worst_group > worst_group {
      (worst_group, worst_group_at) = (other.worst_group, count + other.worst_group_at)
    }
    if not_finite == 0, other.not_finite > 0 { first_not_finite = count + other.first_not_finite }
    not_finite += other.not_finite
    count += other.count
  }
}
