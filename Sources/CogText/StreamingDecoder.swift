import CogBase

/// Turns ids that come one at a time into text, whole characters only. Special tokens are left out.
///
/// The pieces of text, put together, are what ``Tokenizer/decode(_:skipSpecial:)`` makes of all ids.
package struct StreamingDecoder: Sendable {
  private let tokenizer: Tokenizer
  /// Bytes of a character that has begun and may go on in the next token; at most three.
  private var held: [UInt8] = []

  /// A decoder at the start of a text.
  package init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

  /// The text that became complete with this id; empty when a character goes on in the next token.
  ///
  /// - Throws: `CogError` when the id is outside the vocabulary; the text so far is not lost.
  package mutating func append(_ id: Int) throws -> String {
    try tokenizer.appendBytes(of: id, skipSpecial: true, to: &held)
    let whole = held.count - Self.unfinishedCount(held)
    defer { held.removeFirst(whole) }
    return String(decoding: held[..<whole], as: UTF8.self)
  }

  /// The rest of the text: empty, or U+FFFD for a character that was never finished.
  package mutating func flush() -> String {
    defer { held = [] }
    return String(decoding: held, as: UTF8.self)
  }

  /// How many bytes at the end begin a UTF-8 sequence that later bytes may complete: 0 to 3.
  static func unfinishedCount(_ bytes: [UInt8]) -> Int {
    for count in 1...3 where count <= bytes.count {
      let tail = Array(bytes.suffix(count))
      if tail[0] & 0xC0 == 0x80 { continue }
      return isProperPrefix(tail) ? count : 0
    }
    return 0
  }

  /// Whether `bytes`, a lead byte and what follows it, begin a well-formed sequence without ending it
  /// (the Unicode Standard, table 3-7).
  private static func isProperPrefix(_ bytes: [UInt8]) -> Bool {
    let length: Int
    switch bytes[0] {
    case 0xC2...0xDF: length = 2
    case 0xE0...0xEF: length = 3
    case 0xF0...0xF4: length = 4
    default: return false
    }
    guard bytes.count < length else { return false }
    guard bytes.count > 1 else { return true }
    switch bytes[0] {
    case 0xE0: return bytes[1] >= 0xA0
    case 0xED: return bytes[1] <= 0x9F
    case 0xF0: return bytes[1] >= 0x90
    case 0xF4: return bytes[1] <= 0x8F
    default: return true
    }
  }
}
