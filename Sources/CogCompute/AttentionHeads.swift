/// The heads of an attention layer, side by side in the columns of its matrices.
package struct AttentionHeads: Equatable, Sendable {
  /// Query heads.
  package let count: Int
  /// Key and value heads; each serves `count / keyValueCount` neighboring query heads.
  package let keyValueCount: Int
  /// Features of a head.
  package let dimension: Int

  /// Columns of the queries, and of what attention gives.
  package var width: Int { count * dimension }
  /// Columns of the keys, and of the values.
  package var keyValueWidth: Int { keyValueCount * dimension }
  /// What the scores are multiplied with: `dimension^-0.5`.
  package var scale: Float { 1 / Float(dimension).squareRoot() }

  /// Heads of one layer; all sizes are positive, and `keyValueCount` divides `count`.
  package init(count: Int, keyValueCount: Int, dimension: Int) {
    precondition(dimension > 0 && keyValueCount > 0 && count > 0, "heads have positive sizes")
    precondition(count % keyValueCount == 0, "every key head serves the same number of query heads")
    self.count = count
    self.keyValueCount = keyValueCount
    self.dimension = dimension
  }
}
