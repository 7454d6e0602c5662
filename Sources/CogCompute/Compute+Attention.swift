import CKernels

/// Queries, keys and values of one attention layer, all heads.
public struct AttentionInput {
  /// `[queryCount, headCount * headDimension]`.
  public var queries: UnsafePointer<Float>
  /// Floats from one query to the next.
  public var queryStride: Int
  /// `[keyCount, keyValueHeadCount * headDimension]`.
  public var keys: UnsafePointer<Float>
  /// Floats from one key to the next.
  public var keyStride: Int
  /// `[keyCount, keyValueHeadCount * headDimension]`.
  public var values: UnsafePointer<Float>
  /// Floats from one value to the next.
  public var valueStride: Int
  /// Tokens that ask.
  public var queryCount: Int
  /// Tokens that are looked at.
  public var keyCount: Int
  /// Query heads.
  public var headCount: Int
  /// Key and value heads; each serves `headCount / keyValueHeadCount` neighboring query heads.
  public var keyValueHeadCount: Int
  /// Features of a head.
  public var headDimension: Int
  /// What the scores are multiplied with, usually `headDimension^-0.5`.
  public var scale: Float
  /// Whether query `i` sees only the keys `0 ... keyCount - queryCount + i`.
  public var isCausal: Bool

  /// Describes one attention layer's input; the pointers must outlive the call that uses it.
  public init(
    queries: UnsafePointer<Float>, queryStride: Int, keys: UnsafePointer<Float>, keyStride: Int,
    values: UnsafePointer<Float>, valueStride: Int, queryCount: Int, keyCount: Int, headCount: Int,
    keyValueHeadCount: Int, headDimension: Int, scale: Float, isCausal: Bool
  ) {
    precondition(queryCount >= 0 && keyCount >= 0 && headDimension > 0, "attention has no negative size")
    precondition(
      keyValueHeadCount > 0 && headCount > 0 && headCount % keyValueHeadCount == 0,
      "every key head serves the same number of query heads")
    precondition(
      [queryStride, keyStride, valueStride, queryCount, keyCount, headCount * headDimension]
        .allSatisfy { $0 <= Int32.max }, "sizes of attention fit 32 bits")
    self.queries = queries
    self.queryStride = queryStride
    self.keys = keys
    self.keyStride = keyStride
    self.values = values
    self.valueStride = valueStride
    self.queryCount = queryCount
    self.keyCount = keyCount
    self.headCount = headCount
    self.keyValueHeadCount = keyValueHeadCount
    self.headDimension = headDimension
    self.scale = scale
    self.isCausal = isCausal
  }

  /// Keys that a query sees.
  func visibleKeys(_ query: Int) -> Int {
    isCausal ? max(0, min(keyCount, keyCount - queryCount + query + 1)) : keyCount
  }
}

/// One head's part of an attention layer: pointers to its first query, key, value and output.
private struct AttentionBlock {
  let queries: UnsafePointer<Float>
  let keys: UnsafePointer<Float>
  let values: UnsafePointer<Float>
  /// `[queries of the block, keys that any of them sees]`.
  let scores: FloatMatrix
  let output: UnsafeMutablePointer<Float>
  let outputStride: Int

  /// Whether there are so few queries that BLAS would spend its time on packing keys and values.
  var isNarrow: Bool { scores.rows <= 2 }
}

extension Compute {
  /// Queries whose scores one task holds at a time.
  private static let queriesAtOnce = 64

  /// `softmax(q k^T * scale) v` for every head: `[queryCount, headCount * headDimension]`.
  ///
  /// Scores and the softmax are float32. In bfloat16 mode the exponentials are rounded to bfloat16 before they
  /// multiply the values, their sum is taken before that, and the quotient is rounded once. A query that sees no
  /// key gives zeros.
  public func attention(_ input: AttentionInput) -> FloatMatrix {
    let result = FloatMatrix(
      uninitializedRows: input.queryCount, columns: input.headCount * input.headDimension)
    let blocks = (input.queryCount + Self.queriesAtOnce - 1) / Self.queriesAtOnce
    threads.parallelFor(blocks * input.headCount) { index in
      let first = index / input.headCount * Self.queriesAtOnce
      let queries = first..<min(input.queryCount, first + Self.queriesAtOnce)
      attend(input, head: index % input.headCount, queries: queries, into: result)
    }
    return result
  }

  /// One head and block of queries. Scores beyond the last key that any of the queries sees are not computed.
  private func attend(_ input: AttentionInput, head: Int, queries: Range<Int>, into result: FloatMatrix) {
    let dimension = input.headDimension
    let keyValueHead = head / (input.headCount / input.keyValueHeadCount)
    let output = result.pointer + queries.lowerBound * result.columns + head * dimension
    let keyCount = input.visibleKeys(queries.upperBound - 1)
    guard keyCount > 0 else {
      for row in 0..<queries.count { (output + row * result.columns).update(repeating: 0, count: dimension) }
      return
    }
    let scores = FloatMatrix(uninitializedRows: queries.count, columns: keyCount)
    let block = AttentionBlock(
      queries: input.queries + queries.lowerBound * input.queryStride + head * dimension,
      keys: input.keys + keyValueHead * dimension, values: input.values + keyValueHead * dimension,
      scores: scores,
      output: output, outputStride: result.columns)
    multiplyKeys(input, block)
    let sums = queries.map { query in
      softmax(
        scores.pointer + (query - queries.lowerBound) * keyCount, visible: input.visibleKeys(query),
        of: keyCount,
        scale: input.scale)
    }
    multiplyValues(input, block)
    for (row, sum) in sums.enumerated() {
      kernels.table.pointee.divide(output + row * result.columns, sum, dimension)
      roundPart(output + row * result.columns, dimension)
    }
  }

  /// Scores of a block: queries times keys.
  private func multiplyKeys(_ input: AttentionInput, _ block: AttentionBlock) {
    let scores = block.scores
    if block.isNarrow {
      for row in 0..<scores.rows {
        kernels.table.pointee.matvec_f32(
          block.keys, input.keyStride, scores.columns, input.headDimension,
          block.queries + row * input.queryStride, scores.pointer + row * scores.columns)
      }
    } else {
      BLAS.multiply(
        block.queries, stride: input.queryStride, block.keys, stride: input.keyStride, bIsTransposed: true,
        into: scores.pointer, stride: scores.columns, m: scores.rows, n: scores.columns,
        k: input.headDimension)
    }
  }

  /// Output of a block before the division: weights times values.
  private func multiplyValues(_ input: AttentionInput, _ block: AttentionBlock) {
    let scores = block.scores
    if block.isNarrow {
      for row in 0..<scores.rows {
        kernels.table.pointee.weighted_sum(
          block.values, input.valueStride, scores.columns, input.headDimension,
          scores.pointer + row * scores.columns, block.output + row * block.outputStride)
      }
    } else {
      BLAS.multiply(
        scores.pointer, stride: scores.columns, block.values, stride: input.valueStride, bIsTransposed: false,
        into: block.output, stride: block.outputStride, m: scores.rows, n: input.headDimension,
        k: scores.columns)
    }
  }

  /// Exponentials of a row's visible scores, zeros for the others; returns what to divide by.
  private func softmax(_ row: UnsafeMutablePointer<Float>, visible: Int, of count: Int, scale: Float) -> Float
  {
    (row + visible).update(repeating: 0, count: count - visible)
    return visible == 0 ? 1 : kernels.table.pointee.softmax(row, visible, scale, rounds)
  }
}
