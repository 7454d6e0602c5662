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
    cog_visible_keys(isCausal, queryCount, keyCount, query)
  }
}
