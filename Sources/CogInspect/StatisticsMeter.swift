import CKernels
import CogBase
import CogCompute
import CogModel
import Synchronization

/// Measures tensors on all threads, one after another, each element once.
///
/// Nothing depends on the number of threads or the instruction set: counts and maxima have no order, and sums
/// of chunks are added in the order of chunks.
final class StatisticsMeter {
  /// Chunks between two checks for cancellation: some ten megabytes.
  private static let chunksInBlock = 512

  private let pool: ThreadPool
  private let cancellation: any Cancellation
  private let workers: [MeterWorker]

  init(_ context: RunContext) {
    (pool, cancellation) = (context.threads, context.cancellation)
    workers = (0..<pool.threadCount).map { _ in MeterWorker(context.kernels) }
  }

  /// Whether elements of this type can be measured.
  static func canMeasure(_ encoding: TensorEncoding) -> Bool {
    guard let type = encoding.plainType else { return true }
    return type.isReadableFloat || type.isInteger
  }

  /// Measures a tensor.
  ///
  /// - Parameter passed: is told how many of its bytes are done with.
  /// - Throws: what the cancellation throws; ``CogError`` for elements that cannot be measured.
  func measure(_ matrix: MeasuredMatrix, passed: (Int) -> Void = { _ in }) throws -> TensorMeasurement {
    let halfGrid: ValueCounts.Grid? =
      switch matrix.encoding.plainType {
      case .bfloat16: .bfloat16
      case .float16: .float16
      default: nil
      }
    let grid = halfGrid ?? .float32
    let totals = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: grid.binCount)
    defer { totals.deallocate() }
    totals.initialize(repeating: 0)
    var rowMaxima = [Int32](repeating: 0, count: matrix.tracksRows ? matrix.rows : 0)
    for worker in workers { worker.begin(matrix, isHalf: halfGrid != nil) }
    var floats = FloatTotals()
    var zeroGroups = ZeroGroups.Counter(matrix)
    let layout = matrix.encoding.isQuantized ? try PanelLayout(matrix) : nil
    for first in stride(from: 0, to: matrix.chunkCount, by: Self.chunksInBlock) {
      try cancellation.check()
      let block = first..<min(first + Self.chunksInBlock, matrix.chunkCount)
      let results = run(matrix, layout: layout, grid: grid, block, &rowMaxima)
      for (index, result) in zip(block, results) {
        if let error = result.error { throw error }
        if halfGrid == nil { floats.add(result.summary) }
        zeroGroups.add(result.zeroGroups, first: result.firstZeroGroup, rows: result.zeroRows)
        if matrix.hasCutRows, matrix.tracksRows {
          let row = matrix.chunk(index).rows.lowerBound
          rowMaxima[row] = max(rowMaxima[row], result.rowMaximum)
        }
      }
      for worker in workers.prefix(block.count) { worker.collect(into: totals, isHalf: halfGrid != nil) }
      passed(matrix.bytesDone(through: block.upperBound - 1))
    }
    var measurement = TensorMeasurement(
      counts: ValueCounts(UnsafeBufferPointer(totals), grid: grid, lostBits: floats.lostBits),
      floats: halfGrid == nil ? floats : nil, smallestNormal: Self.smallestNormal(of: matrix.encoding),
      codeCounts: layout == nil ? nil : codeCounts,
      rows: rowMaxima.map { Self.value(of: $0, grid) }, columns: columnMaxima(matrix, grid))
    measurement.zeroGroups = zeroGroups.groups
    if measurement.figures.nan + measurement.figures.infinite > 0 {
      measurement.firstNotFinite = try firstNotFinite(matrix, layout)
    }
    return measurement
  }

  /// The place of the first element that is NaN or infinite: looked for only where there is one, which is
  /// rare.
  private func firstNotFinite(_ matrix: MeasuredMatrix, _ layout: PanelLayout?) throws -> Int? {
    guard let worker = workers.first else { return nil }
    for index in 0..<matrix.chunkCount {
      if index.isMultiple(of: Self.chunksInBlock) { try cancellation.check() }
      let chunk = matrix.chunk(index)
      let values = try worker.floats(matrix, layout: layout, chunk)
      let count = values.count / MemoryLayout<Float>.size
      let place = (0..<count).first {
        !values.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Float>.size, as: Float.self).isFinite
      }
      // Chunks are whole rows, or a piece of one.
      if let place { return chunk.rows.lowerBound * matrix.columns + chunk.columns.lowerBound + place }
    }
    return nil
  }

  /// Shares out the chunks of a block; each thread takes the next one that nobody has.
  private func run(
    _ matrix: MeasuredMatrix, layout: PanelLayout?, grid: ValueCounts.Grid, _ block: Range<Int>,
    _ rowMaxima: inout [Int32]
  ) -> [MeterWorker.ChunkResult] {
    let next = NextIndex(block.lowerBound)
    let infinity: Int16 = grid == .float16 ? 0x7C00 : 0x7F80
    let tracksRows = matrix.tracksRows && !matrix.hasCutRows
    return rowMaxima.withUnsafeMutableBufferPointer { rowMaxima in
      let maxima = tracksRows ? rowMaxima.baseAddress : nil
      return [MeterWorker.ChunkResult](unsafeUninitializedCapacity: block.count) { slots, initialized in
        guard let results = slots.baseAddress else { return }
        pool.parallelFor(min(workers.count, block.count)) { thread in
          while let index = next.take(below: block.upperBound) {
            let (worker, chunk) = (workers[thread], matrix.chunk(index))
            (results + (index - block.lowerBound)).initialize(
              to: grid == .float32
                ? worker.measureFloats(matrix, layout: layout, chunk, rowMaxima: maxima)
                : worker.measureHalves(matrix, chunk, infinity: infinity, rowMaxima: maxima))
          }
        }
        initialized = block.count
      }
    }
  }
}

extension StatisticsMeter {
  /// How often each code of a quantized tensor occurs.
  private var codeCounts: [Int] {
    (0..<256).map { code in workers.reduce(0) { $0 + Int($1.codeCounts[code]) } }
  }

  /// The largest magnitudes of input channels.
  private func columnMaxima(_ matrix: MeasuredMatrix, _ grid: ValueCounts.Grid) -> [Float] {
    guard matrix.tracksColumns else { return [] }
    return (0..<matrix.columns / matrix.columnsPerChannel).map { channel in
      let first = channel * matrix.columnsPerChannel
      return workers.reduce(0) { largest, worker in
        (first..<first + matrix.columnsPerChannel).reduce(largest) { largest, column in
          let bits = grid == .float32 ? worker.floatColumns[column] : Int32(worker.halfColumns[column])
          return max(largest, Self.value(of: bits, grid))
        }
      }
    }
  }

  private static func value(of magnitude: Int32, _ grid: ValueCounts.Grid) -> Float {
    switch grid {
    case .bfloat16: Float(bitPattern: UInt32(magnitude) << 16)
    case .float16: Float(Float16(bitPattern: UInt16(magnitude)))
    case .float32: Float(bitPattern: UInt32(magnitude))
    }
  }

  private static func smallestNormal(of encoding: TensorEncoding) -> Double {
    encoding.plainType == .float16
      ? Double(Float16.leastNormalMagnitude) : Double(Float.leastNormalMagnitude)
  }
}

extension PanelLayout {
  fileprivate init(_ matrix: MeasuredMatrix) throws {
    try self.init(encoding: matrix.encoding, rows: matrix.rows, columns: matrix.columns)
  }
}

/// The next piece of work that nobody has taken.
final class NextIndex: Sendable {
  private let next: Atomic<Int>

  init(_ first: Int) { next = Atomic(first) }

  func take(below end: Int) -> Int? {
    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
    return index < end ? index : nil
  }
}
