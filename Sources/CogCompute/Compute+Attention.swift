import CKernels

extension Compute {
  /// With at most this many queries, packing keys and values would take most of the time.
  private static let fewQueries = 2
  /// Keys that all heads of a group meet before the next keys are read: few enough for the second-level cache
  /// even where rows are 4096 bytes apart and map to the same sets.
  private static let keysAtOnce = 64

  /// `softmax(q k^T * scale) v` for every head: `[queries, heads.width]`.
  ///
  /// Scores and the softmax are float32. In bfloat16 mode the exponentials are rounded to bfloat16 before
  /// they multiply the values, their sum is taken before that, and the quotient is rounded once. A query that
  /// sees no key gives zeros.
  ///
  /// - Parameters:
  ///   - queries: `[queries, heads.width]`.
  ///   - keys: `[keys, heads.keyValueWidth]`.
  ///   - values: `[keys, heads.keyValueWidth]`.
  ///   - isCausal: whether query `i` sees only the keys `0 ... keys.rows - queries.rows + i`.
  ///   - target: where the result goes; a new matrix by default.
  @discardableResult
  package func attention(
    queries: MatrixSlice, keys: MatrixSlice, values: MatrixSlice, heads: AttentionHeads, isCausal: Bool,
    into target: FloatMatrix? = nil
  ) -> FloatMatrix {
    let result = target ?? FloatMatrix(uninitializedRows: queries.rows, columns: heads.width)
    precondition(
      result.rows == queries.rows && result.columns == heads.width, "attention gives a row for each query")
    let input = AttentionInput(queries: queries, keys: keys, values: values, heads: heads, isCausal: isCausal)
    withExtendedLifetime((queries, keys, values)) { attend(input, into: result.pointer) }
    return result
  }

  private func attend(_ input: AttentionInput, into output: UnsafeMutablePointer<Float>) {
    if input.queryCount <= Self.fewQueries {
      threads.parallelFor(input.heads.keyValueCount) { attendFew(input, keyValueHead: $0, into: output) }
    } else {
      attendBlocks(input, into: output)
    }
  }

  /// Exponentials of a row's visible scores, zeros for the others; returns what to divide by.
  private func softmax(_ row: UnsafeMutablePointer<Float>, visible: Int, of count: Int, scale: Float) -> Float
  {
    (row + visible).update(repeating: 0, count: count - visible)
    return visible == 0 ? 1 : kernels.table.pointee.softmax(row, visible, scale, rounds)
  }

  /// A query or two and all heads that share one key and value head: keys and values are read from memory
  /// once.
  private func attendFew(_ input: AttentionInput, keyValueHead: Int, into output: UnsafeMutablePointer<Float>)
  {
    let dimension = input.heads.dimension
    let group = input.heads.count / input.heads.keyValueCount
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
    let width = input.heads.width
    let outputs = heads.map { output + $0.query * width + $0.column }
    let sums = heads.enumerated().map { row, head in
      outputs[row].update(repeating: 0, count: dimension)
      return softmax(
        scores.pointer + row * input.keyCount, visible: input.visibleKeys(head.query), of: input.keyCount,
        scale: input.heads.scale)
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
