import CogBase

/// Llama 3's tokenizer: text to token ids and back.
///
/// Byte-level byte-pair encoding as the `tokenizers` package (0.23.3) does it with this model's
/// `tokenizer.json`: added tokens are found in the text first, what lies between is cut by Llama 3's split
/// pattern, and the bytes of each piece are merged. Nothing is added in front or behind.
package struct Tokenizer: Sendable {
  let tokens: TokenTable
  let merges: MergeTable
  /// Whether a piece that is a token as a whole becomes it without regard to the merges.
  let ignoresMerges: Bool

  /// The number of tokens; ids are 0 to `vocabularySize - 1`.
  package var vocabularySize: Int { tokens.count }

  /// The id of the token that stands for exactly this text, an added token (`<|end_of_text|>`) before an
  /// ordinary one, or nil. Ordinary tokens are asked for by their text (" the"), not by their spelling in the
  /// file ("Ġthe").
  package func id(of text: String) -> Int? {
    var text = text
    return text.withUTF8 { bytes -> Int? in
      for added in AddedPass.allCases.compactMap(tokens.added) where !bytes.isEmpty {
        let match = tokens.longest(of: added, in: bytes, at: 0)
        if let match, match.length == bytes.count { return Int(match.id) }
      }
      return tokens.ordinary(bytes).map(Int.init)
    }
  }

  /// The ids of a text. Special tokens written in the text are parsed; none are added.
  ///
  /// Time is O(n log n) in the worst case, a text that is one long word.
  package func encode(_ text: String) -> [Int] {
    var text = text
    return text.withUTF8 { bytes in
      var ids: [Int] = []
      var merger = PairMerger(merges)
      for outer in stretches(of: bytes, 0..<bytes.count, .first) {
        if let id = outer.id {
          ids.append(id)
          continue
        }
        for inner in stretches(of: bytes, outer.range, .second) {
          if let id = inner.id {
            ids.append(id)
          } else {
            encode(bytes, inner.range, with: &merger, into: &ids)
          }
        }
      }
      return ids
    }
  }

  /// A stretch of a text: an added token, or what lies between two of them.
  private struct Stretch {
    let range: Range<Int>
    /// The token's id, or nil.
    let id: Int?
  }

  /// Cuts a part of a text at the added tokens of a pass: from left to right the longest one at each place.
  private func stretches(
    of bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ pass: AddedPass
  ) -> [Stretch] {
    guard let added = tokens.added(pass) else { return [Stretch(range: range, id: nil)] }
    let text = UnsafeBufferPointer(rebasing: bytes[..<range.upperBound])
    var stretches: [Stretch] = []
    var (start, offset) = (range.lowerBound, range.lowerBound)
    while offset < range.upperBound {
      guard let match = tokens.longest(of: added, in: text, at: offset) else {
        offset += 1
        continue
      }
      stretches.append(Stretch(range: start..<offset, id: nil))
      stretches.append(Stretch(range: offset..<offset + match.length, id: Int(match.id)))
      offset += match.length
      start = offset
    }
    stretches.append(Stretch(range: start..<range.upperBound, id: nil))
    return stretches
  }

  /// The ids of the text between two added tokens.
  private func encode(
    _ bytes: UnsafeBufferPointer<UInt8>, _ segment: Range<Int>, with merger: inout PairMerger,
    into ids: inout [Int]
  ) {
    var scanner = PieceScanner(bytes, segment)
    while let range = scanner.next() {
      let piece = UnsafeBufferPointer(rebasing: bytes[range])
      if ignoresMerges, let id = tokens.ordinary(piece) {
        ids.append(Int(id))
      } else {
        merger.merge(piece.lazy.map { tokens.byteIDs[Int($0)] }, into: &ids)
      }
    }
  }

  /// The text of ids. Bytes that are not UTF-8 become U+FFFD, one for each maximal part of a sequence.
  ///
  /// - Parameter skipSpecial: whether special tokens are left out.
  /// - Throws: `CogError` when an id is outside the vocabulary.
  package func decode(_ ids: [Int], skipSpecial: Bool) throws -> String {
    var bytes: [UInt8] = []
    for id in ids { try appendBytes(of: id, skipSpecial: skipSpecial, to: &bytes) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The bytes that a token stands for; they need not be whole characters.
  ///
  /// - Throws: `CogError` when the id is outside the vocabulary.
  package func bytes(of id: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try appendBytes(of: id, skipSpecial: false, to: &bytes)
    return bytes
  }

  func appendBytes(of id: Int, skipSpecial: Bool, to bytes: inout [UInt8]) throws {
    guard (0..<tokens.count).contains(id) else {
      throw CogError(
        "a token id is outside the vocabulary", subject: "token \(id)", expected: "0 to \(tokens.count - 1)",
        advice: "Check that the ids come from this model.")
    }
    let kind = tokens.kind(id)
    if skipSpecial, kind.contains(.special) { return }
    let content = tokens.bytes[tokens.range(id)]
    guard !kind.contains(.ordinary) else {
      bytes += content
      return
    }
    // The reference's decoder knows no difference: an added token that could be a spelling of bytes is taken
    // so.
    bytes += ByteAlphabet.bytes(spelledBy: String(decoding: content, as: UTF8.self)) ?? Array(content)
  }
}
