import CogBase
import CogText
import Testing

struct TokenizerEncodedTests {
  @Test("the compact form has the layout that Formats/tokenizer.md gives it")
  func layout() throws {
    let tokenizer = try TextFixtures.tokenizer("small-tokenizer.json")
    let bytes = tokenizer.encoded()
    func number(_ offset: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) } }
    #expect(Array(bytes[0..<4]) == Array("CGTK".utf8))
    #expect((number(4), number(8), number(12), number(16)) == (1, 1, 279, 12))
    let tokenBytes = number(20)
    #expect(bytes.count == 24 + 4 * 279 + 12 * 12 + 279 + tokenBytes)
    // "ab", token 257, stands between the ends of tokens 256 and 257.
    let text = 24 + 4 * 279 + 12 * 12 + 279
    #expect(Array(bytes[text + number(24 + 4 * 256)..<text + number(24 + 4 * 257)]) == Array("ab".utf8))
    // Merge 1 makes it of "a" and "b".
    let merge = 24 + 4 * 279 + 12
    #expect(number(merge) == tokenizer.id(of: "a") && number(merge + 4) == tokenizer.id(of: "b"))
    #expect(number(merge + 8) == 257)
    // Kinds: ordinary, added and special, added.
    let kinds = 24 + 4 * 279 + 12 * 12
    #expect([257, 270, 272].map { bytes[kinds + $0] } == [1, 6, 2])
  }

  @Test(
    "the compact form reads back as the same tokenizer",
    arguments: ["compact-tokenizer.json", "small-tokenizer.json"])
  func roundTrip(name: String) throws {
    for tokenizer in [try TextFixtures.tokenizer(name), try TextFixtures.tokenizerWithMerges(name)] {
      let back = try TextFixtures.tokenizer(encoded: tokenizer.encoded())
      #expect(back.encoded() == tokenizer.encoded())
      #expect(back.vocabularySize == tokenizer.vocabularySize)
      for id in 0..<tokenizer.vocabularySize {
        #expect(try back.bytes(of: id) == tokenizer.bytes(of: id))
        #expect(
          try back.decode([id], skipSpecial: true) == tokenizer.decode([id], skipSpecial: true))
      }
    }
  }

  @Test("bytes that are cut off or go on are an error that names the file")
  func length() throws {
    let bytes = try TextFixtures.tokenizer("small-tokenizer.json").encoded()
    for length in 0..<bytes.count {
      let error = #expect(throws: CogError.self) {
        try TextFixtures.tokenizer(encoded: Array(bytes[..<length]))
      }
      #expect(error?.file == "model.cogvlm")
    }
    #expect(throws: CogError.self) { try TextFixtures.tokenizer(encoded: bytes + [0]) }
  }

  @Test(
    "a header field that is wrong is an error",
    arguments: [
      (0, 0x44), (4, 2), (4, 0), (8, 3), (8, 2), (12, 0), (12, 0xFF), (15, 0xFF), (16, 13), (19, 0xFF),
      (23, 0xFF),
    ])
  func header(offset: Int, value: Int) throws {
    var bytes = try TextFixtures.tokenizer("small-tokenizer.json").encoded()
    bytes[offset] = UInt8(value)
    #expect(throws: CogError.self) { try TextFixtures.tokenizer(encoded: bytes) }
  }

  @Test("a table that contradicts itself is an error that names the entry")
  func tables() throws {
    let good = try TextFixtures.tokenizer("small-tokenizer.json").encoded()
    let (ends, merges, kinds) = (24, 24 + 4 * 279, 24 + 4 * 279 + 12 * 12)
    let text = kinds + 279
    func error(_ changes: [Int: UInt8]) -> CogError? {
      var bytes = good
      for (offset, value) in changes { bytes[offset] = value }
      return #expect(throws: CogError.self) { try TextFixtures.tokenizer(encoded: bytes) }
    }
    // Tokens 0 to 255 are one byte long: 5 ends where 4 does, then 6 ends beyond all bytes.
    #expect(error([ends + 4 * 5: 5])?.subject == "token 5")
    #expect(error([ends + 4 * 6 + 3: 1])?.subject == "token 6")
    #expect(error([kinds + 3: 0])?.subject == "token 3")
    #expect(error([kinds + 3: 4])?.subject == "token 3")
    #expect(error([kinds + 3: 8])?.subject == "token 3")
    #expect(error([text + 9: good[text + 8]])?.subject == "token 9")
    #expect(error([kinds + 3: 2])?.problem == "the vocabulary lacks a single byte")
    // Merge 2 names a token that is too large, an added one (270), and a result that is another token.
    #expect(error([merges + 24 + 3: 1])?.subject == "merge 2")
    #expect(error([merges + 24: 14, merges + 25: 1])?.subject == "merge 2")
    #expect(error([merges + 24 + 8: 0, merges + 24 + 9: 1])?.subject == "merge 2")
    var twice: [Int: UInt8] = [:]
    for offset in 0..<12 { twice[merges + 12 + offset] = good[merges + offset] }
    #expect(error(twice)?.subject == "merge 1")
    // Token 276 is the added "日本".
    let place = try #require(good.indices.last { good[$0...].starts(with: Array("日本".utf8)) })
    #expect(error([place: 0xFF])?.subject == "token 276")
  }

  @Test("damaged bytes are read or refused, and never trap")
  func damaged() throws {
    let bytes = try TextFixtures.tokenizer("small-tokenizer.json").encoded()
    var generator = SplitMix64(seed: 3)
    for _ in 0..<5000 {
      var copy = bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0..<copy.count, using: &generator)
        copy[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      }
      try exercise { try TextFixtures.tokenizer(encoded: copy) }
    }
    for count in [0, 1, 23, 24, 100, 5000] {
      #expect(throws: CogError.self) {
        try TextFixtures.tokenizer(
          encoded: (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
      }
      #expect(throws: CogError.self) {
        try TextFixtures.tokenizer(encoded: [UInt8](repeating: 0, count: count))
      }
    }
  }
}
