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

  @Test("questions that do not fit are refused before the video is looked at, and the first one is named")
  func allQuestionsFirst() throws {
    // Its pictures are damaged, which is found when they are decoded.
    let video = Fixtures.path("reports/damage/h264_zero.mp4")
    let long = String(repeating: "What color is the circle? ", count: 400)
    let command = ["ask", try SampleModel.float.get(), "--video", video]
    for options in [["--json"], []] {
      let outcome = try Command.run(command + options + ["What?", "Where?", long, long])
      #expect(outcome.status == 2 && outcome.output == "")
      #expect(outcome.errors.contains("question 3: the prompt does not leave room"), "\(outcome.errors)")
    }
    let told = try Command.run(command + ["--history", "What?=>\(long)", "Where?"])
    #expect(told.status == 2 && told.errors.contains("1 earlier turn"), "\(told.errors)")
    let window = try Command.run(command + ["--segments", "1", long])
    #expect(window.status == 2 && window.errors.contains("does not leave room"), "\(window.errors)")
  }

  @Test("as many frames as have room with a question are shown, and more are refused at once")
  func mostFrames() throws {
    let command = ["ask", try SampleModel.float.get(), "--json", "--max-new-tokens", "1", "--video"]
    for template in ["chat", "vqa", "base"] {
      let options = [SampleModel.video("v22_h264.mp4"), "--template", template, "?", "--frames"]
      let shown = try Command.run(command + options + ["30"])
      #expect(try shown.json()["frameIndices"].map { ($0 as? [Int])?.count } == 30, "\(shown.errors)")
      let refused = try Command.run(command + options + ["31"])
      #expect(refused.status == 2 && refused.errors.contains("at most 30 frames"), "\(refused.errors)")
    }
  }

  @Test("options that decide nothing are told or refused")
  func idleOptions() throws {
    let command = ["ask", try SampleModel.float.get(), "--max-new-tokens", "1", "Hello"]
    for options in [["--seed", "1"], ["--top-p", "0.5"]] {
      let outcome = try Command.run(command + options)
      #expect(outcome.status == 0 && outcome.errors.hasPrefix("note: "), "\(outcome.errors)")
      #expect(try Command.run(command + options + ["--temperature", "1"]).errors == "")
    }
    for options in [
      ["--cache", "cache"], ["--fps", "1"], ["--template", "base", "--history", "What?=>up"],
    ] { #expect(try Command.run(command + options).status == 64, "\(options)") }
  }

  @Test("what was answered before an interrupt is told")
  func interrupted() throws {
    let folder = try TemporaryFolder()
    let command = ["ask", try SampleModel.float.get(), "--json", "--max-new-tokens", "3"]
    // Far more questions than a moment is enough for.
    let questions = (0..<3000).map { "What color is circle \($0)?" }
    let asked = try Command.run(command + questions) { process in
      Thread.sleep(forTimeInterval: 2)
      process.interrupt()
    }
    #expect(asked.status == 130)
    let others = try #require(try asked.json()["others"] as? [[String: Any]])
    #expect((1..<2999).contains(others.count) && others.first?["question"] as? String == questions[1])
    let subtitles = folder.path("a.srt")
    let video = Fixtures.path("videos/h264_70s_5fps.mp4")
    let options = ["--video", video, "--segments", "1", "--subtitles", subtitles, "--frames", "8", "What?"]
    let windows = try Command.run(command + options) { process in
      Thread.sleep(forTimeInterval: 2)
      process.interrupt()
    }
    #expect(windows.status == 130)
    let segments = try #require(try windows.json()["segments"] as? [[String: Any]])
    #expect((1..<70).contains(segments.count))
    #expect(FileManager.default.fileExists(atPath: subtitles))
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
