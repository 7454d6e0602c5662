/// How far a stored tensor is from the one that it was made of.
package struct StorageError: Equatable, Sendable, Codable {
  /// The relative L2 error (``Measures``); 0 when nothing was lost.
  package var relativeRMS: Float
  /// Signal to quantization noise, `-20 log10(relativeRMS)`, in dB; infinite when nothing was lost.
  package var sqnr: Float
  /// The largest relative RMS error of one group.
  package var worstGroup: Float
  /// Row of that group.
  package var worstRow: Int
  /// Number of that group within its row.
  package var worstGroupIndex: Int

  /// An error from its sums.
  ///
  /// - Parameters:
  ///   - squaredError: the sum of squared differences.
  ///   - squares: the sum of squares of the original.
  package init(
    squaredError: Double, squares: Double, worstGroup: Float = 0, worstRow: Int = 0, worstGroupIndex: Int = 0
  ) {
    let ratio = Measures.relativeL2(squaredDifference: squaredError, squares: squares)
    // Sums that are too large to tell are no small error.
    let error = ratio.isNaN ? .infinity : ratio
    relativeRMS = Float(error)
    sqnr = Float(Measures.sqnr(relativeL2: error))
    self.worstGroup = worstGroup
    self.worstRow = worstRow
    self.worstGroupIndex = worstGroupIndex
  }

  /// No error: the values are the source's to the bit.
  package static let none = StorageError(squaredError: 0, squares: 0)
}

extension StorageError {
  private enum CodingKeys: String, CodingKey {
    case relativeRMS, sqnr, worstGroup, worstRow, worstGroupIndex
  }

  /// Encodes the five numbers; JSON has no infinity, so an infinite one is null.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(relativeRMS.isFinite ? relativeRMS : nil, forKey: .relativeRMS)
    try container.encode(sqnr.isFinite ? sqnr : nil, forKey: .sqnr)
    try container.encode(worstGroup.isFinite ? worstGroup : nil, forKey: .worstGroup)
    try container.encode(worstRow, forKey: .worstRow)
    try container.encode(worstGroupIndex, forKey: .worstGroupIndex)
  }

  /// Decodes what ``encode(to:)`` wrote.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    relativeRMS = try container.decode(Float?.self, forKey: .relativeRMS) ?? .infinity
    let sqnr = try container.decode(Float?.self, forKey: .sqnr)
    self.sqnr = sqnr ?? (relativeRMS == 0 ? .infinity : -.infinity)
    worstGroup = try container.decode(Float?.self, forKey: .worstGroup) ?? .infinity
    worstRow = try container.decode(Int.self, forKey: .worstRow)
    worstGroupIndex = try container.decode(Int.self, forKey: .worstGroupIndex)
  }
}
