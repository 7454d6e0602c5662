import CKernels

/// Queries, keys and values of one attention layer, all heads.
package struct AttentionInput {
  /// `[queryCount, headCount * headDimension]`.
  package var queries: UnsafePointer<Float>
  /// Floats from one query to the next.
  package var queryStride: Int
  /// `[keyCount, keyValueHeadCount * headDimension]`.
  package var keys: UnsafePointer<Float>
  /// Floats from one key to the next.
  package var keyStride: Int
  /// `[keyCount, keyValueHeadCount * headDimension]`.
  package var values: UnsafePointer<Float>
  /// Floats from one value to the next.
  package var valueStride: Int
  /// Tokens that ask.
  package var queryCount: Int
  /// Tokens that are looked at.
  package var keyCount: Int
  /// Query heads.
  package var headCount: Int
  /// Key and value heads; each serves `headCount / keyValueHeadCount` neighboring query heads.
  package var keyValueHeadCount: Int
  /// Features of a head.
  package var headDimension: Int
  /// What the scores are multiplied with, usually `headDimension^-0.5`.
  package var scale: Float
  /// Whether query `i` sees only the keys `0 ... keyCount - queryCount + i`.
  package var isCausal: Bool

  /// Describes one attention layer's input; the pointers must outlive the call that uses it.
  package init(
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
    cog_visible_keys(isCausal, queryCount, keyCount, query)
  }
}
