/// A figure of image tokens and one of text tokens.
struct TokenMeasure: Equatable, Sendable {
  var image: Double
  var text: Double

  static let zero = TokenMeasure(image: 0, text: 0)
  static let one = TokenMeasure(image: 1, text: 1)

  static func + (a: TokenMeasure, b: TokenMeasure) -> TokenMeasure {
    TokenMeasure(image: a.image + b.image, text: a.text + b.text)
  }

  static func * (a: TokenMeasure, b: TokenMeasure) -> TokenMeasure {
    TokenMeasure(image: a.image * b.image, text: a.text * b.text)
  }

  /// The quotients; 0 where the divisor is.
  static func / (a: TokenMeasure, b: TokenMeasure) -> TokenMeasure {
    TokenMeasure(image: b.image > 0 ? a.image / b.image : 0, text: b.text > 0 ? a.text / b.text : 0)
  }

  static func * (a: TokenMeasure, factor: Double) -> TokenMeasure {
    TokenMeasure(image: a.image * factor, text: a.text * factor)
  }

  /// Of both.
  var sum: Double { image + text }
}
