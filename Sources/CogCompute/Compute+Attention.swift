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

extension Compute {
  /// Queries whose scores one task holds at a time.
  private static let queriesAtOnce = 64
  /// Up to so many queries BLAS would spend its time on packing keys and values.
  private static let fewQueries = 2
  /// Keys that all heads of a group meet before the next keys are read: few enough for the second-level cache even
  /// where rows lie 4096 bytes apart and share its places.
  private static let keysAtOnce = 64

  /// `softmax(q k^T * scale) v` for every head: `[queryCount, headCount * headDimension]`.
  ///
  /// Scores and the softmax are float32. In bfloat16 mode the exponentials are rounded to bfloat16 before they
  /// multiply the values, their sum is taken before that, and the quotient is rounded once. A query that sees no
  /// key gives zeros.
  public func attention(_ input: AttentionInput) -> FloatMatrix {
    let result = FloatMatrix(
      uninitializedRows: input.queryCount, columns: input.headCount * input.headDimension)
    if input.queryCount <= Self.fewQueries {
      threads.parallelFor(input.keyValueHeadCount) { attendFew(input, keyValueHead: $0, into: result) }
      return result
    }
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
    BLAS.multiply(
      input.queries + queries.lowerBound * input.queryStride + head * dimension, stride: input.queryStride,
      input.keys + keyValueHead * dimension, stride: input.keyStride, bIsTransposed: true,
      into: scores.pointer,
      stride: keyCount, m: queries.count, n: keyCount, k: dimension)
    let sums = queries.map { query in
      softmax(
        scores.pointer + (query - queries.lowerBound) * keyCount, visible: input.visibleKeys(query),
        of: keyCount,
        scale: input.scale)
    }
    BLAS.multiply(
      scores.pointer, stride: keyCount, input.values + keyValueHead * dimension, stride: input.valueStride,
      bIsTransposed: false, into: output, stride: result.columns, m: queries.count, n: dimension, k: keyCount)
    for (row, sum) in sums.enumerated() {
      kernels.table.pointee.divide(output + row * result.columns, sum, dimension)
      roundPart(output + row * result.columns, dimension)
    }
  }

  /// Exponentials of a row's visible scores, zeros for the others; returns what to divide by.
  private func softmax(_ row: UnsafeMutablePointer<Float>, visible: Int, of count: Int, scale: Float) -> Float
  {
    (row + visible).update(repeating: 0, count: count - visible)
    return visible == 0 ? 1 : kernels.table.pointee.softmax(row, visible, scale, rounds)
  }

  /// A query or two and all heads that share one key and value head: keys and values are read from memory once.
  private func attendFew(_ input: AttentionInput, keyValueHead: Int, into result: FloatMatrix) {
    let dimension = input.headDimension
    let group = input.headCount / input.keyValueHeadCount
    let scores = FloatMatrix(uninitializedRows: input.queryCount * group, columns: input.keyCount)
    let heads = (0..<scores.rows).map {
      (query: $0 / group, column: (keyValueHead * group + $0 % group) * dimension)
    }
    forEachChunk(of: input.keyCount) { first, count in
      for (row, head) in heads.enumerated() {
        kernels.table.pointee.matvec_f32(
          input.keys + first * input.keyStride + keyValueHead * dimension, input.keyStride, count, dimension,
          input.queries + head.query * input.queryStride + head.column,
          scores.pointer + row * input.keyCount + first)
      }
    }
    let outputs = heads.map { result.pointer + $0.query * result.columns + $0.column }
    let sums = heads.enumerated().map { row, head in
      outputs[row].update(repeating: 0, count: dimension)
      return softmax(
        scores.pointer + row * input.keyCount, visible: input.visibleKeys(head.query), of: input.keyCount,
        scale: input.scale)
    }
    forEachChunk(of: input.keyCount) { first, count in
      for (row, output) in outputs.enumerated() {
        kernels.table.pointee.add_weighted_rows(
          input.values + first * input.valueStride + keyValueHead * dimension, input.valueStride, count,
          dimension,
          scores.pointer + row * input.keyCount + first, output)
      }
    }
    for (output, sum) in zip(outputs, sums) {
      kernels.table.pointee.divide(output, sum, dimension)
      roundPart(output, dimension)
    }
  }

  private func forEachChunk(of keyCount: Int, _ body: (Int, Int) -> Void) {
    for first in stride(from: 0, to: keyCount, by: Self.keysAtOnce) {
      body(first, min(Self.keysAtOnce, keyCount - first))
    }
  }
}
