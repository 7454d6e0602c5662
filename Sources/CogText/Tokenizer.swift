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
      if !bytes.isEmpty, let match = tokens.added(in: bytes, at: 0), match.length == bytes.count {
        return Int(match.id)
      }
      return tokens.ordinary(bytes).map(Int.init)
    }
  }

  /// Whether `id` is a special token, one that decoding may leave out. False for ids outside the vocabulary.
  package func isSpecial(_ id: Int) -> Bool {
    (0..<tokens.count).contains(id) && tokens.kind(id).contains(.special)
  }

  /// The ids of a text. Special tokens written in the text are parsed; none are added.
  ///
  /// Time is O(n log n) in the worst case, a text that is one long word.
  package func encode(_ text: String) -> [Int] {
    var text = text
    return text.withUTF8 { bytes in
      var ids: [Int] = []
      var merger = PairMerger(merges)
      var segmentStart = 0
      var offset = 0
      while offset < bytes.count {
        guard let match = tokens.added(in: bytes, at: offset) else {
          offset += 1
          continue
        }
        encode(bytes, segmentStart..<offset, with: &merger, into: &ids)
        ids.append(Int(match.id))
        offset += match.length
        segmentStart = offset
      }
      encode(bytes, segmentStart..<bytes.count, with: &merger, into: &ids)
      return ids
    }
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
