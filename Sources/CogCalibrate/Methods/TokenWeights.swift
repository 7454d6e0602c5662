/// How much the tokens of a prompt count: those of images as 1, those of text as more, since a question has a
/// hundred of the first for few of the second.
package struct TokenWeights: Equatable, Sendable {
  /// How many image tokens a token of text counts for.
  package let text: Float

  /// What is taken where nothing is said, as `BENCHMARKS.md` measures it.
  package static let standard = TokenWeights(text: 4)

  /// - Parameter text: finite, above 0.
  package init(text: Float) { self.text = text }

  /// A weight for each token; nil where all count alike.
  func weights(_ isImage: [Bool]) -> [Float]? {
    text == 1 || isImage.allSatisfy { $0 } ? nil : isImage.map { $0 ? 1 : text }
  }
}
