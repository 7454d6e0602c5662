package import CogCompute
import CogModel

/// How alike two models see one frame: the cosines of its tokens as they go into the language model, begin
/// and end of image included.
package struct FeatureCosine: Equatable, Sendable, Codable {
  /// Mean over the frame's tokens.
  package var meanCosine: Double
  /// The least of them.
  package var leastCosine: Double

  /// The cosines of a frame's tokens, at least one; one that is NaN makes both NaN.
  package init(tokens: [Double]) {
    meanCosine = tokens.reduce(0, +) / Double(max(1, tokens.count))
    leastCosine = meanCosine.isNaN ? .nan : tokens.min() ?? meanCosine
  }

  /// One for each frame.
  ///
  /// - Parameters:
  ///   - tested: `[frames * tokens of a frame, width]`.
  ///   - reference: of the same shape.
  package static func ofFrames(
    _ tested: FloatMatrix, reference: FloatMatrix, tokensPerFrame: Int
  ) -> [FeatureCosine] {
    stride(from: 0, to: min(tested.rows, reference.rows), by: max(1, tokensPerFrame)).map { first in
      let tokens = first..<min(first + tokensPerFrame, tested.rows, reference.rows)
      return FeatureCosine(
        tokens: tokens.map { token in
          var sums = MeasureSums()
          sums.add(
            UnsafeBufferPointer(tested.row(token)), reference: UnsafeBufferPointer(reference.row(token)))
          return sums.measures.cosine
        })
    }
  }
}
