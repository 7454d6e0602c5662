import CogTestSupport
import Foundation
import Testing

/// The sample's conversations through `cogvlm ask --history`.
@Suite struct ConversationTests {
  struct Conversations: Decodable {
    struct Conversation: Decodable, CustomTestStringConvertible {
      let video: String
      let turns: [Turn]
      var testDescription: String { video }
    }
    struct Turn: Decodable {
      let question: String
      let bf16: Run
      let fp32: Run
    }
    struct Run: Decodable {
      let text: String
      let tokenIds: [Int]
      let minMargin: Double
    }
    let conversations: [Conversation]

    static func sample() throws -> [Conversation] {
      try EvalTests.Reference.decoder.decode(
        Conversations.self, from: Data(contentsOf: URL(filePath: Fixtures.path("sample/conversations.json")))
      ).conversations
    }
  }

  @Test(
    "Every turn of a conversation is answered as the reference answered it",
    arguments: try Conversations.sample(),
    ["float32", "bfloat16"])
  func turns(_ conversation: Conversations.Conversation, _ mode: String) throws {
    #expect(conversation.turns.count == 3)
    var history: [String] = []
    for turn in conversation.turns {
      let reference = mode == "float32" ? turn.fp32 : turn.bf16
      let outcome = try Command.run(
        [
          "ask", SampleModel.float.get(), "--json", "--mode", mode, "--video",
          SampleModel.video(conversation.video),
        ] + history + [turn.question])
      let document = try outcome.json()
      if reference.minMargin > 0.25 {
        #expect(document["ids"] as? [Int] == reference.tokenIds)
        #expect(document["text"] as? String == reference.text)
      }
      // The history holds the reference's own answers.
      history += ["--history", "\(turn.question)=>\(reference.text)"]
    }
  }
}
