import CogBase
import CogText
import Testing

struct StreamingDecoderTests {
  @Test("the pieces put together are the text of all ids, and none ends within a character")
  func agreesWithDecode() throws {
    for name in ["compact", "small"] {
      let tokenizer = try TextFixtures.tokenizer("\(name)-tokenizer.json")
      for entry in try TextFixtures.cases("decodings.json") where entry["tokenizer"]?.text == name {
        let ids = try TextFixtures.integers(entry, "ids")
        var decoder = StreamingDecoder(tokenizer)
        let pieces = try ids.map { try decoder.append($0) } + [decoder.flush()]
        let expected = try TextFixtures.text(entry, "withoutSpecial")
        #expect(TextFixtures.scalars(pieces.joined()) == TextFixtures.scalars(expected), "\(ids)")
      }
    }
  }

  @Test("a character split over tokens is held back until it is whole")
  func splitCharacter() throws {
    let tokenizer = try TextFixtures.tokenizer("compact-tokenizer.json")
    let byteID = try Dictionary(
      (0..<256).map { (try tokenizer.bytes(of: $0)[0], $0) }, uniquingKeysWith: { first, _ in first })
    var decoder = StreamingDecoder(tokenizer)
    let pieces = try Array("a😀é".utf8).map { try decoder.append(try #require(byteID[$0])) }
    #expect(pieces == ["a", "", "", "", "😀", "", "é"])
    #expect(decoder.flush() == "")
  }

  @Test("a character that is never finished becomes U+FFFD, at once when the next byte cannot belong to it")
  func unfinishedCharacter() throws {
    let tokenizer = try TextFixtures.tokenizer("compact-tokenizer.json")
    let ids = try (0..<256).filter { try [[0xF0], [0x9F], [0x41]].contains(tokenizer.bytes(of: $0)) }
    let byID = try Dictionary(uniqueKeysWithValues: ids.map { (try tokenizer.bytes(of: $0)[0], $0) })
    var decoder = StreamingDecoder(tokenizer)
    #expect(try decoder.append(#require(byID[0xF0])) == "")
    #expect(try decoder.append(#require(byID[0x9F])) == "")
    #expect(try decoder.append(#require(byID[0x41])) == "\u{FFFD}A")
    #expect(try decoder.append(#require(byID[0xF0])) == "")
    #expect(decoder.flush() == "\u{FFFD}")
    #expect(decoder.flush() == "")
  }

  @Test("special tokens leave no text, and an unknown id loses none")
  func specialAndUnknown() throws {
    let tokenizer = try TextFixtures.tokenizer("compact-tokenizer.json")
    var decoder = StreamingDecoder(tokenizer)
    #expect(try decoder.append(3841) == "")
    #expect(throws: CogError.self) { try decoder.append(4096) }
    #expect(try decoder.append(64) == "a")
  }
}
