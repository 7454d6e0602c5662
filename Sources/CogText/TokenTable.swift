import CogBase
import Glibc

/// What a token is, as one byte of bits.
struct TokenKind: OptionSet {
  let rawValue: UInt8

  /// Part of the byte-pair vocabulary: pieces of text become this token.
  static let ordinary = TokenKind(rawValue: 1)
  /// Found in text as a whole, before the text is cut into pieces.
  static let added = TokenKind(rawValue: 2)
  /// An added token that decoding may leave out.
  static let special = TokenKind(rawValue: 4)
  /// An added token that is found only between those that are not of this kind (`"normalized": true`).
  static let normalized = TokenKind(rawValue: 8)

  /// Whether the bits go together: ordinary or added or both, and the others only with added.
  var isValid: Bool {
    rawValue <= 15 && !isDisjoint(with: [.ordinary, .added])
      && (contains(.added) || isDisjoint(with: [.special, .normalized]))
  }
}

/// The two times that added tokens are looked for: over the whole text, and in what lies between those found.
///
/// Source: `AddedVocabulary.extract_and_normalize` of the `tokenizers` package.
enum AddedPass: CaseIterable {
  case first, second

  /// Whether a token of a kind is looked for at this time.
  func takes(_ kind: TokenKind) -> Bool {
    kind.contains(.added) && kind.contains(.normalized) == (self == .second)
  }
}

/// The added tokens of one ``AddedPass``.
struct AddedTokens: Sendable {
  /// Ids in the lexicographic order of the tokens' bytes.
  let ids: [UInt32]
  /// Which of the 256 bytes start a token.
  let starts: [Bool]
}

/// All tokens by id, their bytes one after another, and the ways to find one by its bytes.
///
/// A checked table: ids are dense, ordinary tokens are distinct and have all 256 single bytes among them,
/// added tokens are distinct UTF-8 text.
struct TokenTable: Sendable {
  /// The bytes of all tokens, in the order of ids.
  let bytes: [UInt8]
  /// For each id the offset in `bytes` just after the token.
  let ends: [UInt32]
  /// The ``TokenKind`` of each id.
  let kinds: [UInt8]
  /// The id of each single byte.
  private(set) var byteIDs = [UInt32](repeating: 0, count: 256)
  /// The added tokens of each ``AddedPass``.
  private var addedTokens: [AddedPass: AddedTokens] = [:]
  /// Open addressing with linear probing over the ordinary tokens: id + 1, or 0 where free.
  private var slots: [UInt32] = []
  private let hash = SeededHash.process
  /// Bytes of the longest ordinary token.
  private var longest = 0

  /// More tokens or merges than this are not believed; it keeps ids and ranks within 32 bits.
  static let countLimit = 1 << 24
  /// The most bytes of one token; it bounds the time that looking for added tokens takes.
  static let lengthLimit = 4096

  /// Checks the tokens and builds the indexes.
  ///
  /// - Throws: `CogError` that names the token where the rules of the type's description are broken.
  init(bytes: [UInt8], ends: [UInt32], kinds: [UInt8]) throws {
    self.bytes = bytes
    self.ends = ends
    self.kinds = kinds
    try checkLayout()
    try indexOrdinary()
    try indexAdded()
  }

  /// The number of tokens; ids are 0 to `count - 1`.
  var count: Int { ends.count }

  /// Where the bytes of a token lie in ``bytes``.
  func range(_ id: Int) -> Range<Int> { (id == 0 ? 0 : Int(ends[id - 1]))..<Int(ends[id]) }

  /// What a token is.
  func kind(_ id: Int) -> TokenKind { TokenKind(rawValue: kinds[id]) }

  /// The ordinary token with these bytes.
  func ordinary(_ wanted: UnsafeBufferPointer<UInt8>) -> UInt32? {
    guard wanted.count <= longest else { return nil }
    let id = slots[slot(of: wanted)]
    return id == 0 ? nil : id - 1
  }

  /// The added tokens of a pass; nil when there are none.
  func added(_ pass: AddedPass) -> AddedTokens? { addedTokens[pass] }

  /// The longest of `tokens` that `text` has at `offset`, and how many bytes it takes.
  func longest(
    of tokens: AddedTokens, in text: UnsafeBufferPointer<UInt8>, at offset: Int
  ) -> (id: UInt32, length: Int)? {
    guard tokens.starts[Int(text[offset])] else { return nil }
    // `low..<high` are the tokens that begin with the `depth` bytes of text from `offset`.
    var (low, high, depth) = (0, tokens.ids.count, 0)
    var found: (UInt32, Int)?
    while low < high {
      let shortest = Int(tokens.ids[low])
      if range(shortest).count == depth {
        found = (UInt32(shortest), depth)
        low += 1
      }
      guard offset + depth < text.count else { break }
      let byte = text[offset + depth]
      (low, high) = (
        first(of: tokens, in: low..<high, depth) { $0 >= byte },
        first(of: tokens, in: low..<high, depth) { $0 > byte }
      )
      depth += 1
    }
    return found
  }

  /// The first place in `places` of `tokens` whose token's byte `depth` satisfies `isBeyond`, which holds
  /// from some byte value on; all of those tokens are longer than `depth`.
  private func first(
    of tokens: AddedTokens, in places: Range<Int>, _ depth: Int, _ isBeyond: (UInt8) -> Bool
  ) -> Int {
    var (low, high) = (places.lowerBound, places.upperBound)
    while low < high {
      let middle = (low + high) / 2
      let byte = bytes[range(Int(tokens.ids[middle])).lowerBound + depth]
      if isBeyond(byte) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private func checkLayout() throws {
    guard (1...Self.countLimit).contains(count), kinds.count == count else {
      throw CogError(
        "the number of tokens is wrong", expected: "1 to \(Self.countLimit)", found: "\(count)")
    }
    var start: UInt32 = 0
    for (id, end) in ends.enumerated() {
      guard end > start, end - start <= Self.lengthLimit, end <= bytes.count else {
        throw CogError(
          "the length of a token is wrong", subject: "token \(id)",
          expected: "1 to \(Self.lengthLimit) bytes",
          found: "\(Int(end) - Int(start))")
      }
      guard TokenKind(rawValue: kinds[id]).isValid else {
        throw CogError("the kind of a token is unknown", subject: "token \(id)", found: "\(kinds[id])")
      }
      start = end
    }
    guard Int(start) == bytes.count else {
      throw CogError("bytes follow the last token", expected: "\(start)", found: "\(bytes.count)")
    }
  }

  private mutating func indexOrdinary() throws {
    let ordinaryCount = kinds.count { $0 & TokenKind.ordinary.rawValue != 0 }
    slots = [UInt32](repeating: 0, count: Self.slotCount(for: ordinaryCount))
    var hasByte = [Bool](repeating: false, count: 256)
    try bytes.withUnsafeBufferPointer { all in
      for id in 0..<count where kind(id).contains(.ordinary) {
        let token = UnsafeBufferPointer(rebasing: all[range(id)])
        let slot = slot(of: token)
        guard slots[slot] == 0 else {
          throw CogError(
            "a token stands twice", subject: "token \(id)", found: "the bytes of token \(slots[slot] - 1)")
        }
        slots[slot] = UInt32(id) + 1
        longest = max(longest, token.count)
        if token.count == 1 {
          byteIDs[Int(token[0])] = UInt32(id)
          hasByte[Int(token[0])] = true
        }
      }
    }
    if let missing = hasByte.firstIndex(of: false) {
      throw CogError(
        "the vocabulary lacks a single byte", expected: "all 256 bytes",
        found: "none for 0x\(String(missing, radix: 16))",
        advice: "Only byte-level vocabularies, which can spell any text, are read.")
    }
  }

  private mutating func indexAdded() throws {
    let sorted = (0..<count).filter { kind($0).contains(.added) }
      .map { (id: UInt32($0), content: Array(bytes[range($0)])) }
      .sorted { $0.content.lexicographicallyPrecedes($1.content) }
    for (place, token) in sorted.enumerated() {
      guard String(validating: token.content, as: UTF8.self) != nil else {
        throw CogError("an added token is not UTF-8 text", subject: "token \(token.id)")
      }
      guard place == 0 || sorted[place - 1].content != token.content else {
        throw CogError(
          "an added token stands twice", subject: "token \(token.id)",
          found: "the text of token \(sorted[place - 1].id)")
      }
    }
    for pass in AddedPass.allCases {
      let tokens = sorted.filter { pass.takes(kind(Int($0.id))) }
      guard !tokens.isEmpty else { continue }
      var starts = [Bool](repeating: false, count: 256)
      for token in tokens { starts[Int(token.content[0])] = true }
      addedTokens[pass] = AddedTokens(ids: tokens.map(\.id), starts: starts)
    }
  }

  /// A power of two that leaves at least half of the slots free, so that every search ends.
  static func slotCount(for entries: Int) -> Int {
    var size = 16
    while size < 2 * entries { size *= 2 }
    return size
  }

  /// The slot that holds the ordinary token with these bytes, or the free one where it would go.
  private func slot(of wanted: UnsafeBufferPointer<UInt8>) -> Int {
    let mask = slots.count - 1
    var slot = hash.hash(UnsafeRawBufferPointer(wanted)) & mask
    while slots[slot] != 0, !hasBytes(Int(slots[slot]) - 1, wanted) { slot = (slot + 1) & mask }
    return slot
  }

  private func hasBytes(_ id: Int, _ wanted: UnsafeBufferPointer<UInt8>) -> Bool {
    let range = range(id)
    guard range.count == wanted.count, let wantedStart = wanted.baseAddress else { return false }
    return bytes.withUnsafeBufferPointer { all in
      all.baseAddress.map { memcmp($0 + range.lowerBound, wantedStart, range.count) == 0 } ?? false
    }
  }

  /// Whether the bytes of `result` are those of `left` followed by those of `right`.
  func isConcatenation(_ left: Int, _ right: Int, _ result: Int) -> Bool {
    let (first, second, both) = (range(left), range(right), range(result))
    guard first.count + second.count == both.count else { return false }
    return bytes.withUnsafeBufferPointer { all in
      guard let start = all.baseAddress else { return false }
      let joint = start + both.lowerBound
      return memcmp(joint, start + first.lowerBound, first.count) == 0
        && memcmp(joint + first.count, start + second.lowerBound, second.count) == 0
    }
  }
}
