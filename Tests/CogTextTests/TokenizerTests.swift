import CogBase
import CogTestSupport
import CogText
import Foundation
import Testing

struct TokenizerTests {
  @Test("the compact tokenizer gives the ids of all reference vectors, and their text back")
  func compactVectors() throws {
    let tokenizer = try TextFixtures.tokenizer("compact-tokenizer.json")
    #expect(tokenizer.vocabularySize == 4096)
    for vector in try TextFixtures.cases("tokenizer-vectors.json") {
      let text = try TextFixtures.text(vector, "text")
      let ids = try TextFixtures.integers(vector, "compact")
      #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
      let expected = try TextFixtures.text(vector, "llama3_decoded_skip_special")
      #expect(
        try TextFixtures.scalars(tokenizer.decode(ids, skipSpecial: true)) == TextFixtures.scalars(expected))
      #expect(
        try TextFixtures.scalars(tokenizer.decode(ids, skipSpecial: false)) == TextFixtures.scalars(text))
    }
  }

  @Test(
    "Llama 3's tokenizer gives the ids of all reference vectors, from its file and from the compact form",
    .enabled(if: Fixtures.sharedFolder != nil, "the shared folder with the 9 MB tokenizer.json is not here"))
  func llamaVectors() throws {
    let shared = try #require(Fixtures.sharedFolder)
    let path = shared.appending(path: "reference/llama3-vocab/checkpoint/tokenizer.json").path
    let fromFile = try TextFixtures.tokenizer(TextFixtures.bytes(path: path), file: path)
    let encoded = fromFile.encoded()
    let fromEncoded = try TextFixtures.tokenizer(encoded: encoded)
    #expect(fromEncoded.encoded() == encoded)
    for tokenizer in [fromFile, fromEncoded] {
      #expect(tokenizer.vocabularySize == 128_256)
      #expect(tokenizer.id(of: "<|end_of_text|>") == 128_001)
      for vector in try TextFixtures.cases("tokenizer-vectors.json") {
        let text = try TextFixtures.text(vector, "text")
        let ids = try TextFixtures.integers(vector, "llama3")
        #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
        let expected = try TextFixtures.text(vector, "llama3_decoded_skip_special")
        #expect(
          try TextFixtures.scalars(tokenizer.decode(ids, skipSpecial: true)) == TextFixtures.scalars(expected)
        )
        #expect(
          try TextFixtures.scalars(tokenizer.decode(ids, skipSpecial: false)) == TextFixtures.scalars(text))
      }
    }
  }

  @Test(
    "random texts get the ids of the tokenizers package, whether whole pieces come before merges or not",
    arguments: [
      ("compact-tokenizer.json", "compact", true), ("compact-tokenizer.json", "compactWithMerges", false),
      ("small-tokenizer.json", "small", true), ("small-tokenizer.json", "smallWithMerges", false),
    ])
  func randomTexts(file: String, key: String, ignoresMerges: Bool) throws {
    let fromFile = try ignoresMerges ? TextFixtures.tokenizer(file) : TextFixtures.tokenizerWithMerges(file)
    let fromEncoded = try TextFixtures.tokenizer(encoded: fromFile.encoded())
    for entry in try TextFixtures.cases("encodings.json") {
      let text = try TextFixtures.text(entry, "text")
      let expected = try TextFixtures.integers(entry, key)
      #expect(fromFile.encode(text) == expected, "\(text.debugDescription)")
      #expect(fromEncoded.encode(text) == expected, "\(text.debugDescription)")
    }
  }

  @Test("random ids get the text of the tokenizers package, ill-formed UTF-8 included")
  func randomIDs() throws {
    let tokenizers = [
      "compact": try TextFixtures.tokenizer("compact-tokenizer.json"),
      "small": try TextFixtures.tokenizer("small-tokenizer.json"),
    ]
    for entry in try TextFixtures.cases("decodings.json") {
      let tokenizer = try #require(tokenizers[TextFixtures.text(entry, "tokenizer")])
      let ids = try TextFixtures.integers(entry, "ids")
      for (key, skipSpecial) in [("all", false), ("withoutSpecial", true)] {
        let expected = TextFixtures.scalars(try TextFixtures.text(entry, key))
        #expect(
          try TextFixtures.scalars(tokenizer.decode(ids, skipSpecial: skipSpecial)) == expected, "\(ids)")
      }
    }
  }

  @Test("any text comes back from its ids")
  func roundTrip() throws {
    let tokenizer = try TextFixtures.tokenizer("compact-tokenizer.json")
    var generator = SplitMix64(seed: 7)
    for _ in 0..<500 {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0..<30, using: &generator) {
        let limit: UInt32 = Bool.random(using: &generator) ? 0x80 : 0x110000
        if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &generator)) {
          text.append(scalar)
        }
      }
      let back = try tokenizer.decode(tokenizer.encode(String(text)), skipSpecial: false)
      #expect(TextFixtures.scalars(back) == text.map(\.value))
    }
  }

  @Test("merging agrees with a plain twin that looks for the lowest rank again and again")
  func plainTwin() throws {
    let tokenizer = try TextFixtures.tokenizerWithMerges("small-tokenizer.json")
    let root = try JSON.parse(TextFixtures.bytes("small-tokenizer.json"), what: "tokenizer")
    let merges = try #require(root["model"]?["merges"]?.elements).compactMap(\.text).filter {
      !$0.contains("Ġ")
    }
    var generator = SplitMix64(seed: 11)
    for length in 1...200 {
      let text = String((0..<length).map { _ in Bool.random(using: &generator) ? "a" : "b" })
      // Nine letters a in a row are an added token, found before any merge.
      if text.contains("aaaaaaaaa") { continue }
      let expected = Self.mergePlainly(text.map(String.init), merges).map { tokenizer.id(of: $0) ?? -1 }
      #expect(tokenizer.encode(text) == expected, "\(text)")
    }
  }

  private static func mergePlainly(_ letters: [String], _ merges: [String]) -> [String] {
    var symbols = letters
    while true {
      var best: (rank: Int, place: Int)?
      for place in symbols.indices.dropLast() {
        guard let rank = merges.firstIndex(of: "\(symbols[place]) \(symbols[place + 1])") else { continue }
        if rank < best?.rank ?? .max { best = (rank, place) }
      }
      guard let best else { return symbols }
      symbols.replaceSubrange(
        best.place...best.place + 1, with: [symbols[best.place] + symbols[best.place + 1]])
    }
  }

  @Test(
    "a megabyte without a boundary takes no more than linear time, nearly", .timeLimit(.minutes(1)),
    arguments: ["a", "ab", " ", "\n", "1", "!", "<", "<|", "'", "é", " a", "<|reserved_special_token_1"])
  func longTexts(unit: String) throws {
    let tokenizer = try TextFixtures.tokenizer("compact-tokenizer.json")
    let text = String(repeating: unit, count: 1_000_000 / unit.utf8.count)
    let clock = ContinuousClock()
    var ids: [Int] = []
    let time = clock.measure { ids = tokenizer.encode(text) }
    #expect(try tokenizer.decode(ids, skipSpecial: false) == text)
    // A quadratic algorithm takes many minutes; this one, a second on a busy machine.
    #expect(time < .seconds(20))
  }

  @Test("ids and texts of tokens are found, special tokens are known as such")
  func lookups() throws {
    let tokenizer = try TextFixtures.tokenizer("compact-tokenizer.json")
    #expect(tokenizer.id(of: "<|begin_of_text|>") == 3840)
    #expect(tokenizer.id(of: "a") == 64)
    #expect(tokenizer.id(of: " the") == 279)
    #expect(tokenizer.id(of: "no token is as long as this") == nil)
    #expect(tokenizer.id(of: "") == nil)
    #expect(try tokenizer.bytes(of: 279) == Array(" the".utf8))
    #expect(try tokenizer.decode([3840, 279], skipSpecial: true) == " the")
    let small = try TextFixtures.tokenizer("small-tokenizer.json")
    let plain = try #require(small.id(of: "|>"))
    #expect(try small.decode([plain], skipSpecial: true) == "|>")
  }

  @Test("an id outside the vocabulary is an error that names it", arguments: [-1, 4096, Int.max, Int.min])
  func unknownID(id: Int) throws {
    let tokenizer = try TextFixtures.tokenizer("compact-tokenizer.json")
    let error = #expect(throws: CogError.self) { try tokenizer.decode([1, id], skipSpecial: true) }
    #expect(error?.subject == "token \(id)")
    #expect(error?.expected == "0 to 4095")
  }
}
