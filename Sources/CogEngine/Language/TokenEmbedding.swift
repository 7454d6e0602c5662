import CogBase
package import CogCompute

/// The table of token embeddings, read row by row where it lies. Source: `torch.nn.Embedding`.
package struct TokenEmbedding: Sendable {
  private let table: WeightMatrix
  private let compute: Compute

  /// Binds the table.
  ///
  /// - Throws: ``CogError`` when the model has none.
  init(_ weights: WeightBinder) throws {
    table = try weights.matrix(.tokenEmbedding)
    compute = weights.compute
  }

  /// The embeddings of tokens, with image features in the places typed vision.
  ///
  /// - Parameters:
  ///   - ids: token ids.
  ///   - tokenTypes: 1 where an image feature goes, 0 elsewhere.
  ///   - features: one row for each 1, in order.
  /// - Returns: `[tokens, width]`.
  /// - Throws: ``CogError`` when an id is outside of the vocabulary or the features are too few or too many.
  package func callAsFunction(ids: [Int], tokenTypes: [Int], features: FloatMatrix?) throws -> FloatMatrix {
    let visionCount = tokenTypes.count { $0 == 1 }
    guard ids.count == tokenTypes.count, visionCount == features?.rows ?? 0 else {
      throw CogError(
        "image features and prompt do not fit", expected: "\(visionCount) vectors",
        found: "\(features?.rows ?? 0)")
    }
    let result = FloatMatrix(uninitializedRows: ids.count, columns: table.columns)
    var nextFeature = 0
    for (index, id) in ids.enumerated() {
      if tokenTypes[index] == 1, let features {
        result.store(features.sharedRows(nextFeature..<nextFeature + 1), at: index)
        nextFeature += 1
      } else {
        guard id >= 0, id < table.rows else {
          throw CogError(
            "a token id is outside of the vocabulary", expected: "below \(table.rows)", found: "\(id)")
        }
        table.expand(row: id, into: result.row(index), kernels: compute.kernels)
      }
    }
    compute.round(result)
    return result
  }
}
