import CogBase
import CogText
import Testing

struct TokenizerReadingTests {
  /// A change to small-tokenizer.json and the subject of the error that it must give.
  struct Refusal: Sendable, CustomTestStringConvertible {
    let old: String
    let new: String
    let subject: String

    init(_ old: String, _ new: String, _ subject: String) {
      self.old = old
      self.new = new
      self.subject = subject
    }

    var testDescription: String { "\(subject): \(new)" }
  }

  static let refusals = [
    Refusal("\"version\":\"1.0\"", "\"version\":\"2.0\"", "version"),
    Refusal("\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}", "normalizer"),
    Refusal("\"normalizer\":null", "\"surprise\":1", "surprise"),
    Refusal("\"type\":\"BPE\"", "\"type\":\"Unigram\"", "model.type"),
    Refusal("\"dropout\":null", "\"dropout\":0.1", "model.dropout"),
    Refusal("\"unk_token\":null", "\"unk_token\":\"a\"", "model.unk_token"),
    Refusal("\"fuse_unk\":false", "\"fuse_unk\":true", "model.fuse_unk"),
    Refusal("\"byte_fallback\":false", "\"byte_fallback\":true", "model.byte_fallback"),
    Refusal("\"byte_fallback\":false", "\"new_setting\":1", "model.new_setting"),
    Refusal("\"ignore_merges\":true", "\"ignore_merges\":1", "model.ignore_merges"),
    Refusal("_prefix\":null", "_prefix\":\"##\"", "model.continuing_subword_prefix"),
    Refusal("_suffix\":null", "_suffix\":\"</w>\"", "model.end_of_word_suffix"),
    Refusal("{1,3}", "{1,2}", "pre_tokenizer.pretokenizers[0].pattern.Regex"),
    Refusal("Isolated", "Removed", "pre_tokenizer.pretokenizers[0].behavior"),
    Refusal("\"invert\":false", "\"invert\":true", "pre_tokenizer.pretokenizers[0].invert"),
    Refusal("\"type\":\"Split\"", "\"type\":\"Digits\"", "pre_tokenizer.pretokenizers[0].type"),
    Refusal(
      "\"add_prefix_space\":false", "\"add_prefix_space\":true",
      "pre_tokenizer.pretokenizers[1].add_prefix_space"),
    Refusal("\"use_regex\":false", "\"use_regex\":true", "pre_tokenizer.pretokenizers[1].use_regex"),
    Refusal("\"decoder\":{\"type\":\"ByteLevel\"", "\"decoder\":{\"type\":\"Metaspace\"", "decoder.type"),
    Refusal(
      "\"<|a|>\",\"single_word\":false", "\"<|a|>\",\"single_word\":true", "added_tokens[0].single_word"),
    Refusal("\"lstrip\":false", "\"lstrip\":true", "added_tokens[0].lstrip"),
    Refusal("\"rstrip\":false", "\"rstrip\":true", "added_tokens[0].rstrip"),
    Refusal("\"normalized\":false", "\"normalized\":1", "added_tokens[0].normalized"),
    Refusal("\"special\":true", "\"special\":null", "added_tokens[0].special"),
    Refusal("\"<|a|>\"", "\"\"", "added_tokens[0].content"),
    Refusal("\"id\":270", "\"id\":271", "added_tokens[0].id"),
    Refusal("\"id\":270", "\"id\":-1", "added_tokens[0].id"),
    Refusal("\"id\":270", "\"id\":\"x\"", "added_tokens[0].id"),
    // The vocabulary has the token spelled "é", the byte 0xE9, with another id.
    Refusal("\"\\u00e9\\u00e9\"", "\"é\"", "added_tokens[5].id"),
    Refusal("\"\\u65e5\\u672c\"", "\"<|a|>\"", "token 276"),
    Refusal("\"ab\":257", "\"ab\":256", "model.vocab[\"ab\"]"),
    Refusal("\"ab\":257", "\"ab\":9999", "model.vocab[\"ab\"]"),
    Refusal("\"ab\":257", "\"ab\":-1", "model.vocab[\"ab\"]"),
    Refusal("\"ab\":257", "\"日\":257", "model.vocab[\"日\"]"),
    Refusal("\"ab\":257", "\"\":257", "model.vocab[\"\"]"),
    Refusal("\"a b\"", "\"a  b\"", "model.merges[1]"),
    Refusal("\"a b\"", "\"ab\"", "model.merges[1]"),
    Refusal("\"a b\"", "[\"a\",\"b\",\"b\"]", "model.merges[1]"),
    Refusal("\"a b\"", "[\"a\",1]", "model.merges[1]"),
    Refusal("\"a b\"", "\"a z\"", "model.merges[1]"),
    Refusal("\"a b\"", "\"a a\"", "merge 1"),
  ]

  @Test("a file that would make other ids is refused, and the setting is named", arguments: refusals)
  func refusal(refusal: Refusal) throws {
    var json = String(decoding: try TextFixtures.bytes("small-tokenizer.json"), as: UTF8.self)
    let range = try TextFixtures.require(json.firstRange(of: refusal.old), refusal.old)
    json.replaceSubrange(range, with: refusal.new)
    let error = #expect(throws: CogError.self) {
      try TextFixtures.tokenizer(Array(json.utf8), file: "tokenizer.json")
    }
    #expect(error?.file == "tokenizer.json")
    #expect(error?.subject == refusal.subject)
  }

  @Test("a vocabulary without one of the 256 bytes is refused")
  func missingByte() throws {
    let error = #expect(throws: CogError.self) {
      try TextFixtures.tokenizer("small-tokenizer.json", changing: [("\"\\u0122\"", "\"ĢĢ\"")])
    }
    #expect(error?.found == "none for 0x80")
  }

  @Test("merges may be strings or pairs")
  func mergesAsPairs() throws {
    let strings = try TextFixtures.tokenizer("small-tokenizer.json")
    var json = String(decoding: try TextFixtures.bytes("small-tokenizer.json"), as: UTF8.self)
    let merges = try TextFixtures.require(json.firstRange(of: "\"merges\":["), "merges").upperBound
    let end = try TextFixtures.require(json[merges...].firstIndex(of: "]"), "end of merges")
    let pairs = json[merges..<end].split(separator: ",").map { "[" + $0.replacing(" ", with: "\",\"") + "]" }
    json.replaceSubrange(merges..<end, with: pairs.joined(separator: ","))
    #expect(pairs.count == 12 && pairs[0] == "[\"a\",\"a\"]")
    #expect(try TextFixtures.tokenizer(Array(json.utf8), file: "x").encoded() == strings.encoded())
  }

  @Test("an added token that the vocabulary has too keeps its id there")
  func addedTokenInVocabulary() throws {
    let tokenizer = try TextFixtures.tokenizer(
      "small-tokenizer.json",
      changing: [("\"id\":270,\"content\":\"<|a|>\"", "\"id\":257,\"content\":\"ab\"")]
        + (271...278).map { ("\"id\":\($0)", "\"id\":\($0 - 1)") })
    #expect(tokenizer.vocabularySize == 278)
    #expect(try tokenizer.decode([257], skipSpecial: true) == "")
    // Without the added token the merges would make "aab" of "aa" and "b".
    #expect(tokenizer.encode("aab") == [try #require(tokenizer.id(of: "a")), 257])
    #expect(try TextFixtures.tokenizer(encoded: tokenizer.encoded()).encoded() == tokenizer.encoded())
  }

  @Test(
    "what is no tokenizer at all is an error that names the file",
    arguments: ["", "[]", "{}", "null", "<html>", "{\"model\":[]}"])
  func otherFiles(text: String) {
    let error = #expect(throws: CogError.self) {
      try TextFixtures.tokenizer(Array(text.utf8), file: "a/tokenizer.json")
    }
    #expect(error?.file == "a/tokenizer.json")
  }

  @Test("the file cut off anywhere is an error")
  func truncated() throws {
    let json = try TextFixtures.bytes("small-tokenizer.json")
    for length in stride(from: 0, to: json.count - 2, by: 7) {
      #expect(throws: CogError.self) { try TextFixtures.tokenizer(Array(json[..<length]), file: "x") }
    }
  }

  @Test("a file with damaged bytes is read or refused, and never traps")
  func damaged() throws {
    let json = try TextFixtures.bytes("small-tokenizer.json")
    var generator = SplitMix64(seed: 5)
    for _ in 0..<1500 {
      var copy = json
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<copy.count, using: &generator)
        copy[place] =
          Bool.random(using: &generator) ? UInt8.random(in: 0...255, using: &generator) : copy[place] ^ 1
      }
      try exercise { try TextFixtures.tokenizer(copy, file: "x") }
    }
  }
}

/// Opens a tokenizer that may be damaged and uses it; any error but `CogError` fails the test.
func exercise(_ open: () throws -> Tokenizer) throws {
  do {
    let tokenizer = try open()
    let ids = tokenizer.encode("Question: abab aabb <|a|> what's 12345?\n\n ab Answer: 日本")
    _ = try tokenizer.decode(ids, skipSpecial: true)
    #expect(ids.allSatisfy { (0..<tokenizer.vocabularySize).contains($0) })
    _ = tokenizer.encoded()
  } catch is CogError {}
}
