import CogText
import Foundation
import Testing

/// What people reported of other programs (../shared/reports/REPORTS.md, report 8), each with the ids that
/// tokenizers 0.23.3 gives.
@Suite("A tokenizer.json with saved settings (report 8)")
struct SavedSettingsTests {
  private static let texts = ["ab<|a|>", "<|a|><|b|>", "aab <|a|>b x", "ab ab<|a|>aaaaaaaaaa"]

  /// The small tokenizer with `"normalized": true` in some of its added tokens, 270 to 278.
  private func tokenizer(normalized ids: [Int]) throws -> Tokenizer {
    var text = String(decoding: try TextFixtures.bytes("small-tokenizer.json"), as: UTF8.self)
    for id in ids {
      let start = try TextFixtures.require(text.firstRange(of: "\"id\":\(id)"), "token \(id)").upperBound
      let range = try TextFixtures.require(text[start...].firstRange(of: "\"normalized\":false"), "setting")
      text.replaceSubrange(range, with: "\"normalized\":true")
    }
    return try TextFixtures.tokenizer(Array(text.utf8), file: "tokenizer.json")
  }

  @Test("truncation and padding are ignored, as the published code ignores them")
  func truncation() throws {
    let plain = try TextFixtures.tokenizer("small-tokenizer.json")
    let saved = try TextFixtures.tokenizer(
      "small-tokenizer.json",
      changing: [
        (
          "\"truncation\":null",
          #""truncation":{"direction":"Right","max_length":2,"strategy":"LongestFirst","stride":0}"#
        ),
        ("\"padding\":null", "\"padding\":{\"strategy\":{\"Fixed\":9},\"pad_id\":0,\"pad_token\":\"a\"}"),
      ])
    #expect(saved.encoded() == plain.encoded())
    #expect(saved.encode("aab ab<|a|>") == [256, 277, 273, 164, 191, 272])
  }

  @Test(
    "an added token with normalized: true is found only between the others",
    arguments: [
      ([], [[273, 164, 191, 272], [271, 272], [256, 277, 270, 277, 168]]),
      ([273], [[257, 270], [271, 272], [256, 277, 270, 277, 168]]),
      ([272, 273], [[257, 270], [271, 272], [256, 277, 270, 277, 168]]),
      ([270], [[273, 164, 191, 272], [271, 272], [256, 277, 228, 164, 191, 272, 277, 168]]),
      (Array(270...278), [[273, 164, 191, 272], [271, 272], [256, 277, 270, 277, 168]]),
    ] as [([Int], [[Int]])])
  func normalized(_ ids: [Int], _ expected: [[Int]]) throws {
    let tokenizer = try tokenizer(normalized: ids)
    for (text, wanted) in zip(Self.texts, expected) { #expect(tokenizer.encode(text) == wanted, "\(text)") }
    // Both forms of the tokenizer keep the setting.
    for copy in [
      try TextFixtures.tokenizer(encoded: tokenizer.encoded()),
      try TextFixtures.tokenizer(tokenizer.json(), file: "copy"),
    ] {
      #expect(copy.encoded() == tokenizer.encoded())
      for (text, wanted) in zip(Self.texts, expected) { #expect(copy.encode(text) == wanted, "\(text)") }
    }
    #expect(tokenizer.id(of: "ab<") == 273)
    #expect(try tokenizer.decode([270], skipSpecial: true) == "")
  }

  @Test("the compact form of a tokenizer without such tokens is the old one")
  func oldForm() throws {
    let kinds = 24 + 4 * 279 + 12 * 12
    let old = try TextFixtures.tokenizer("small-tokenizer.json").encoded()
    let new = try tokenizer(normalized: [270]).encoded()
    #expect(old[kinds + 270] == 6 && new[kinds + 270] == 14)
    #expect(old.indices.filter { old[$0] != new[$0] } == [kinds + 270])
  }
}
