import CogBase
import CogModel
import CogTestSupport
import CogText
import Foundation
import Testing

struct PromptTests {
  private func prompt(
    _ template: PromptTemplate, frames: Int, history: [Turn] = [], query: String, tokensPerFrame: Int = 66
  ) throws -> Prompt {
    try Prompt(
      tokenizer: TextFixtures.tokenizer("compact-tokenizer.json"), template: template, frameCount: frames,
      history: history, query: query, beginOfTextID: 3840, padID: 3842, tokensPerFrame: tokensPerFrame)
  }

  @Test("the templates write the text of the published code")
  func templates() throws {
    let history = [Turn(question: "q", answer: "a"), Turn(question: "r", answer: "b")]
    #expect(
      try PromptTemplate.chat.text(query: "s", history: history)
        == "Question: q Answer: a\nQuestion: r Answer: b\nQuestion: s Answer:")
    #expect(
      try PromptTemplate.vqa.text(query: "s", history: history)
        == "Question: q Short answer: a\nQuestion: r Short answer: b\nQuestion: s Short answer:")
    #expect(try PromptTemplate.base.text(query: "s") == "s")
    #expect(throws: CogError.self) { try PromptTemplate.base.text(query: "s", history: history) }
  }

  @Test("a small prompt has the ids, types and positions written out by hand")
  func smallPrompt() throws {
    let chat = try prompt(.chat, frames: 2, query: "What is this?", tokensPerFrame: 5)
    let text = [48, 3121, 290, 25, 3639, 374, 420, 30, 1556, 3643, 25]
    #expect(chat.ids == [3840, 3842, 3842, 3842, 3842, 3842, 15, 3842, 3842, 3842, 3842, 3842, 16] + text)
    #expect(chat.tokenTypes == [0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0] + text.map { _ in 0 })
    // begin, boi, three vision tokens at one position, eoi, the index, ...
    #expect(chat.positions == [0, 1, 2, 2, 2, 3, 4, 5, 6, 6, 6, 7, 8] + Array(9..<20))
    #expect(chat.count == 24 && chat.frameCount == 2)
    // Without indices between them the frames are one run of vision tokens.
    let vqa = try prompt(.vqa, frames: 2, query: "", tokensPerFrame: 3)
    #expect(vqa.positions.prefix(8) == [0, 1, 2, 2, 2, 2, 3, 4])
  }

  @Test("special tokens in a query are parsed, as in the published code, and stay text")
  func specialTokens() throws {
    let ids = try prompt(.base, frames: 0, query: "a<|reserved_special_token_0|>b").ids
    #expect(ids == [3840, 64, 3842, 65])
    #expect(try prompt(.base, frames: 0, query: "<|reserved_special_token_0|>").tokenTypes == [0, 0])
  }

  @Test("positions agree with a twin that retypes first, on all short sequences of types")
  func positionsTwin() {
    for length in 0...10 {
      for bits in 0..<1 << length {
        let types = (0..<length).map { bits >> $0 & 1 }
        #expect(Prompt.positions(of: types) == Self.plainPositions(types), "\(types)")
      }
    }
  }

  private static func plainPositions(_ types: [Int]) -> [Int] {
    var retyped = types
    for place in types.indices where types[place] == 1 {
      let left = place == 0 ? 0 : types[place - 1]
      let right = place == types.count - 1 ? 0 : types[place + 1]
      if left == 0 || right == 0 { retyped[place] = 0 }
    }
    var positions: [Int] = []
    for place in retyped.indices {
      guard let last = positions.last else {
        positions.append(0)
        continue
      }
      positions.append(retyped[place] == 0 || retyped[place - 1] == 0 ? last + 1 : last)
    }
    return positions
  }

  @Test(
    "counts that make no sense are errors", arguments: [(-1, 66), (1, -1), (Int.max, 66), (1 << 20, 1 << 20)])
  func wrongCounts(frames: Int, tokensPerFrame: Int) {
    #expect(throws: CogError.self) {
      try prompt(.chat, frames: frames, query: "", tokensPerFrame: tokensPerFrame)
    }
  }

  @Test(
    "ids, types and positions equal those of every reference bundle",
    .enabled(if: Fixtures.sharedFolder != nil, "the shared folder with the reference bundles is not here"),
    arguments: ["reference/tiny", "reference/llama3-vocab", "sample"])
  func referenceBundles(folder: String) throws {
    let base = try #require(Fixtures.sharedFolder).appending(path: folder)
    let tokenizerPath = base.appending(path: "checkpoint/tokenizer.json").path
    let tokenizer = try TextFixtures.tokenizer(TextFixtures.bytes(path: tokenizerPath), file: tokenizerPath)
    let references = base.appending(path: "references")
    let names = try FileManager.default.contentsOfDirectory(atPath: references.path)
      .filter { $0.hasSuffix(".f32.safetensors") || $0.hasSuffix(".bf16.safetensors") }
    #expect(names.count >= 4)
    for name in names {
      let bundle = try ReferenceBundle(path: references.appending(path: name).path)
      let history = try JSON.parse(Array((bundle.metadata("history") ?? "[]").utf8), what: "history")
      let prompt = try Prompt(
        tokenizer: tokenizer,
        template: PromptTemplate(named: #require(bundle.metadata("template_version"))),
        frameCount: (try? bundle.shape("frame_indices")[0]) ?? 0,
        history: try #require(history.elements).map {
          Turn(question: try #require($0.elements?[0].text), answer: try #require($0.elements?[1].text))
        },
        query: try #require(bundle.metadata("query")),
        beginOfTextID: try #require(tokenizer.id(of: "<|begin_of_text|>")),
        padID: try #require(tokenizer.id(of: "<|reserved_special_token_0|>")), tokensPerFrame: 66)
      #expect(prompt.ids == (try bundle.integers("input_ids")), "\(name)")
      #expect(prompt.tokenTypes == (try bundle.integers("token_type_ids")), "\(name)")
      #expect(prompt.positions == (try bundle.integers("position_ids")), "\(name)")
      let answer = try JSON.parse(Array(#require(bundle.metadata("answer_ids")).utf8), what: "answer")
      let ids = try #require(answer.elements).compactMap(\.integer)
      let text = try tokenizer.decode(ids, skipSpecial: true)
      let expected = try #require(bundle.metadata("answer_text"))
      // The sample's texts are stripped of white space at both ends.
      #expect(text == expected || text.trimmingCharacters(in: .whitespaces) == expected, "\(name)")
    }
  }
}
