import CKernels
import CogModel
import CogBase
import CogCompute

/// What one thread keeps of the chunks of a tensor that it went through.
final class MeterWorker: @unchecked Sendable {
  /// What a chunk of float32 values gave, to be added up in the order of chunks.
  struct ChunkResult {
    var summary = CogFloatSummary()
    /// The largest magnitude, where the chunk is a piece of a row.
    var rowMaximum: Int32 = 0
    /// Groups of zeros, and where the first of them begins, counted over the tensor's elements.
    var zeroGroups = 0
    var firstZeroGroup = 0
    /// Whole rows of zeros.
    var zeroRows = 0
    var error: (any Error)?
  }

  private let kernels: KernelSet
  private let loops: CogStatisticsKernels
  /// Two tables of counters each, made when they are first needed.
  private var halfCounts: UnsafeMutableBufferPointer<UInt32>?
  private var floatCounts: UnsafeMutableBufferPointer<UInt32>?
  private var scratch = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
  /// The largest magnitude of each column: of 16-bit elements as they are, of others as float32.
  private(set) var halfColumns: [Int16] = []
  private(set) var floatColumns: [Int32] = []
  /// How often each code of a quantized tensor occurs.
  private(set) var codeCounts = [UInt64](repeating: 0, count: 256)

  init(_ kernels: KernelSet) {
    self.kernels = kernels
    loops = kernels.statistics
  }

  deinit {
    halfCounts?.deallocate()
    floatCounts?.deallocate()
    scratch.deallocate()
  }

  /// Forgets the last tensor.
  func begin(_ matrix: MeasuredMatrix, isHalf: Bool) {
    let columns = matrix.tracksColumns ? matrix.columns : 0
    halfColumns = [Int16](repeating: 0, count: isHalf ? columns : 0)
    floatColumns = [Int32](repeating: 0, count: isHalf ? 0 : columns)
    codeCounts = [UInt64](repeating: 0, count: 256)
  }

  /// Adds the counters to `totals` and sets them back.
  func collect(into totals: UnsafeMutableBufferPointer<UInt64>, isHalf: Bool) {
    guard let table = isHalf ? halfCounts : floatCounts else { return }
    for bin in totals.indices { totals[bin] += UInt64(table[bin]) + UInt64(table[bin + totals.count]) }
    table.update(repeating: 0)
  }

  private func countZeroGroups(
    _ matrix: MeasuredMatrix, _ chunk: MeasuredMatrix.Chunk, _ base: UnsafeRawPointer, width: Int,
    _ result: inout ChunkResult
  ) {
    guard let groupSize = matrix.groupSize else { return }
    for (place, row) in chunk.rows.enumerated() {
      var first = 0
      let start = base + place * chunk.columns.count * width
      let groups = cog_count_zero_groups(start, chunk.columns.count, width, groupSize, &first)
      if groups > 0, result.zeroGroups == 0 {
        result.firstZeroGroup = row * matrix.columns + chunk.columns.lowerBound + first
      }
      result.zeroGroups += groups
      let groupsInRow = (matrix.columns - 1) / groupSize + 1
      if groups == groupsInRow { result.zeroRows += 1 }
    }
  }

  private static func makeTable(_ bins: Int) -> UnsafeMutableBufferPointer<UInt32> {
    let table = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: 2 * bins)
    table.initialize(repeating: 0)
    return table
  }
}

// MARK: 16-bit elements

extension MeterWorker {
  /// Counts the bit patterns of a chunk and raises the maxima of its channels.
  ///
  /// - Parameters:
  ///   - infinity: the bit pattern of infinity.
  ///   - rowMaxima: of the whole tensor, or nil where rows are not tracked or cut.
  func measureHalves(
    _ matrix: MeasuredMatrix, _ chunk: MeasuredMatrix.Chunk, infinity: Int16,
    rowMaxima: UnsafeMutablePointer<Int32>?
  ) -> ChunkResult {
    let bytes = matrix.bytes(of: chunk, width: 2)
    let table = halfCounts ?? Self.makeTable(ValueCounts.Grid.bfloat16.binCount)
    halfCounts = table
    var result = ChunkResult()
    guard let base = bytes.baseAddress, let counts = table.baseAddress else { return result }
    loops.count_halves(base, chunk.count, counts)
    countZeroGroups(matrix, chunk, base, width: 2, &result)
    guard rowMaxima != nil || matrix.hasCutRows || !halfColumns.isEmpty else { return result }
    halfColumns.withUnsafeMutableBufferPointer { columns in
      let target = columns.baseAddress.flatMap { columns.isEmpty ? nil : $0 + chunk.columns.lowerBound }
      for (place, row) in chunk.rows.enumerated() {
        let start = base + place * chunk.columns.count * 2
        let maximum = Int32(loops.half_maximum(start, chunk.columns.count, infinity, target))
        rowMaxima?[row] = maximum
        result.rowMaximum = maximum
      }
    }
    return result
  }
}

// MARK: Elements of every other kind, as float32

extension MeterWorker {
  /// Counts a chunk's values in bins, sums them up, and raises the maxima of its channels.
  func measureFloats(
    _ matrix: MeasuredMatrix, layout: PanelLayout?, _ chunk: MeasuredMatrix.Chunk,
    rowMaxima: UnsafeMutablePointer<Int32>?
  ) -> ChunkResult {
    var result = ChunkResult()
    do {
      let values = try floats(matrix, layout: layout, chunk)
      let table = floatCounts ?? Self.makeTable(ValueCounts.Grid.float32.binCount)
      floatCounts = table
      guard let base = values.baseAddress, let counts = table.baseAddress else { return result }
      loops.count_floats(base, chunk.count, counts)
      result.summary = loops.summarize_floats(base, chunk.count)
      countZeroGroups(matrix, chunk, base, width: 4, &result)
      if let layout { try countCodes(matrix, layout, chunk.rows) }
      guard rowMaxima != nil || matrix.hasCutRows || !floatColumns.isEmpty else { return result }
      floatColumns.withUnsafeMutableBufferPointer { columns in
        let target = columns.baseAddress.flatMap { columns.isEmpty ? nil : $0 + chunk.columns.lowerBound }
        for (place, row) in chunk.rows.enumerated() {
          let start = base + place * chunk.columns.count * 4
          let maximum = loops.float_maximum(start, chunk.columns.count, 0x7F80_0000, target)
          rowMaxima?[row] = maximum
          result.rowMaximum = maximum
        }
      }
    } catch {
      result.error = error
    }
    return result
  }

  /// Counts the codes of the panels that begin in the chunk's rows.
  private func countCodes(_ matrix: MeasuredMatrix, _ layout: PanelLayout, _ rows: Range<Int>) throws {
    try codeCounts.withUnsafeMutableBufferPointer { counts in
      for panel in matrix.panels(beginningIn: rows) {
        try KernelSet.countCodes(of: matrix.bytes, layout: layout, panel: panel, into: counts)
      }
    }
  }

  /// The chunk's values as float32: where they lie, or written to this thread's memory.
  func floats(
    _ matrix: MeasuredMatrix, layout: PanelLayout?, _ chunk: MeasuredMatrix.Chunk
  ) throws -> UnsafeRawBufferPointer {
    let type = matrix.encoding.plainType
    if type == .float32 { return matrix.bytes(of: chunk, width: 4) }
    if scratch.count < chunk.count {
      scratch.deallocate()
      scratch = .allocate(capacity: chunk.count)
    }
    let target = UnsafeMutableBufferPointer(rebasing: scratch[..<chunk.count])
    if let layout {
      try kernels.dequantize(matrix.bytes, layout: layout, rows: chunk.rows, into: target)
    } else if let type, let width = type.byteWidth {
      try kernels.convert(matrix.bytes(of: chunk, width: width), of: type, to: target)
    }
    return UnsafeRawBufferPointer(target)
  }
}
