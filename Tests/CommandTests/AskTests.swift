import CogTestSupport
import Foundation
import Testing

@Suite struct AskTests {
  @Test(
    "ask answers a question about a video file, in every mode", arguments: ["float32", "bfloat16", "fast"])
  func video(_ mode: String) throws {
    let model = try (mode == "fast" ? SampleModel.int4 : SampleModel.float).get()
    let outcome = try Command.run([
      "ask", model, "--mode", mode, "--video", SampleModel.video("v22_h264.mp4"),
      "Which way does the circle move?",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output == "up\n")
    #expect(outcome.errors == "")
  }

  @Test(
    "ask --json gives text, ids, frame times, token counts and seconds, and nothing else on standard output")
  func json() throws {
    let outcome = try Command.run([
      "ask", SampleModel.float.get(), "--json", "--video", SampleModel.video("v22_h264.mp4"),
      "Which way does the circle move?",
    ])
    let document = try outcome.json()
    #expect(document["text"] as? String == "up")
    #expect(document["ids"] as? [Int] == [709, 3841])
    #expect(document["frameTimes"] as? [Double] != nil)
    #expect((document["frameIndices"] as? [Int])?.count == 3)
    #expect(document["promptTokens"] as? Int == 219)
    #expect(document["newTokens"] as? Int == 2)
    #expect(
      (document["seconds"] as? [String: Double])?.keys.sorted() == [
        "decode", "load", "prefill", "video", "vision",
      ])
  }

  @Test("ask without a video answers text")
  func text() throws {
    let outcome = try Command.run([
      "ask", SampleModel.float.get(), "--max-new-tokens", "4", "What color is the circle?",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(!outcome.output.isEmpty)
  }

  @Test("ask continues a conversation as the reference does")
  func history() throws {
    let outcome = try Command.run([
      "ask", SampleModel.float.get(), "--video", SampleModel.video("v00_h264_square.mp4"),
      "--history", "What color is the triangle?=>blue", "What shape is the blue object?",
    ])
    #expect(outcome.output == "triangle\n")
  }

  @Test("ask draws the same tokens for the same seed")
  func seed() throws {
    let arguments = [
      "ask", try SampleModel.float.get(), "--json", "--temperature", "2", "--seed", "7", "--max-new-tokens",
      "12", "Hello",
    ]
    let first = try Command.run(arguments).json()["ids"] as? [Int]
    let second = try Command.run(arguments).json()["ids"] as? [Int]
    #expect(first != nil)
    #expect(first == second)
  }

  @Test("ask says plainly when the prompt does not fit the context")
  func context() throws {
    let question = String(repeating: "What color is the circle? ", count: 600)
    let outcome = try Command.run(["ask", SampleModel.float.get(), question])
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("context"))
    #expect(outcome.errors.contains("2048"))
  }

  @Test("Any number of new tokens may be allowed: the context is the limit then")
  func mostTokens() throws {
    for count in [Int.max, Int.max - 2048, 1 << 40] {
      let outcome = try Command.run(
        [
          "ask", SampleModel.float.get(), "--json", "--max-new-tokens", "\(count)",
          "What color is the circle?",
        ])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect((try outcome.json()["newTokens"] as? Int ?? 0) > 0)
    }
  }

  @Test("ask with a wrong option leaves with 64")
  func usage() throws {
    #expect(try Command.run(["ask", SampleModel.float.get(), "--no-such-option", "x"]).status == 64)
    #expect(try Command.run(["ask"]).status == 64)
    #expect(try Command.run(["ask", SampleModel.float.get(), "--max-new-tokens", "0", "x"]).status == 64)
  }
}
