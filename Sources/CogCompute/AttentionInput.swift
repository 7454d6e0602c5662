import CKernels

/// Queries, keys and values of one attention layer as the kernels read them. The slices that it was made of
/// outlive it.
struct AttentionInput {
  /// `[queryCount, heads.width]`.
  let queries: UnsafePointer<Float>
  /// Floats from one query to the next.
  let queryStride: Int
  /// `[keyCount, heads.keyValueWidth]`.
  let keys: UnsafePointer<Float>
  /// Floats from one key to the next.
  let keyStride: Int
  /// `[keyCount, heads.keyValueWidth]`.
  let values: UnsafePointer<Float>
  /// Floats from one value to the next.
  let valueStride: Int
  /// Tokens that ask.
  let queryCount: Int
  /// Tokens that are looked at.
  let keyCount: Int
  /// The heads.
  let heads: AttentionHeads
  /// Whether query `i` sees only the keys `0 ... keyCount - queryCount + i`.
  let isCausal: Bool

  init(
    queries: MatrixSlice, keys: MatrixSlice, values: MatrixSlice, heads: AttentionHeads, isCausal: Bool
  ) {
    precondition(
      queries.columns == heads.width && keys.columns == heads.keyValueWidth
        && values.columns == heads.keyValueWidth, "the heads lie side by side in the columns")
    precondition(keys.rows == values.rows, "every key has a value")
    precondition(
      [queries.stride, keys.stride, values.stride, queries.rows, keys.rows].allSatisfy { $0 <= Int32.max },
      "sizes of attention fit 32 bits")
    (self.queries, queryStride, queryCount) = (queries.pointer, queries.stride, queries.rows)
    (self.keys, keyStride, keyCount) = (keys.pointer, keys.stride, keys.rows)
    (self.values, valueStride) = (values.pointer, values.stride)
    self.heads = heads
    self.isCausal = isCausal
  }

  /// Keys that a query sees.
  func visibleKeys(_ query: Int) -> Int {
    cog_visible_keys(isCausal, queryCount, keyCount, query)
  }
}
