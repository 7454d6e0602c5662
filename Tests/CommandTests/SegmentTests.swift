import CogTestSupport
import Foundation
import Testing

/// `cogvlm ask --segments`.
@Suite struct SegmentTests {
  private static let video = SampleModel.video("v24_h264.mp4")
  private static let question = "When does the background change color?"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func ask(_ options: [String], video: String = video, status: Int32 = 0) throws -> Program.Outcome {
    let outcome = try Command.run(
      ["ask", SampleModel.float.get(), "--video", video, "--max-new-tokens", "12"] + options)
    try #require(outcome.status == status, "\(options): \(outcome.errors)")
    return outcome
  }

  private func segments(_ document: [String: Any]) throws -> [[String: Any]] {
    try #require(document["segments"] as? [[String: Any]])
  }

  @Test("each window is asked the question as a video of its own, and its seconds become those of the video")
  func windows() throws {
    let document = try ask(["--segments", "6", "--json", Self.question]).json()
    let segments = try segments(document)
    #expect(segments.map { $0["start"] as? Double } == [0, 6, 12, 18, 24, 30])
    #expect(segments.map { $0["end"] as? Double } == [6, 12, 18, 24, 30, 32])
    // The background changes at second 9, in the third second of its window.
    #expect(segments[1]["answer"] as? String == "At second 3.")
    #expect((segments[1]["time"] as? [String: Any])?["start"] as? Double == 9)
    for segment in segments where segment["answer"] as? String == "Never." { #expect(segment["time"] == nil) }
    let caption = try Command.run([
      "caption", SampleModel.float.get(), Self.video, "--run", folder.path("run"), "--split-seconds", "6",
      "--prompt", Self.question, "--max-new-tokens", "12", "--json",
    ])
    let captions = try #require(try caption.json()["captions"] as? [[String: Any]])
    #expect(captions.map { $0["caption"] as? String } == segments.map { $0["answer"] as? String })
  }

  @Test("a video of one window is answered as without windows, and 24 seconds are the default")
  func oneWindow() throws {
    let short = SampleModel.video("v22_h264.mp4")
    let plain = try ask(["--json", Self.question], video: short).json()
    let document = try ask([Self.question, "--json", "--segments", "--merge"], video: short).json()
    let all = try segments(document)
    let segment = try #require(all.first)
    #expect(document["windowSeconds"] as? Int == 24 && all.count == 1)
    #expect(segment["ids"] as? [Int] == plain["ids"] as? [Int])
    #expect(segment["frameTimes"] as? [Double] == plain["frameTimes"] as? [Double])
    let merged = try #require(document["merged"] as? [String: Any])
    #expect(merged["text"] as? String == plain["text"] as? String && merged["rounds"] as? Int == 0)
    // A question behind the option is none of its numbers.
    let again = try ask(["--json", "--segments", Self.question], video: short).json()
    #expect(again["windowSeconds"] as? Int == 24 && again["question"] as? String == Self.question)
  }

  @Test("the list, subtitles in both forms and the document say the same, merged answers marked")
  func forms() throws {
    let options = ["--segments", "8", "--merge", Self.question, "--cache", folder.path("cache")]
    let (srt, vtt) = (folder.path("a.srt"), folder.path("a.vtt"))
    let list = try ask(options + ["--subtitles", srt]).output.split(
      separator: "\n", omittingEmptySubsequences: false)
    let document = try ask(options + ["--subtitles", vtt, "--json"]).json()
    let answers = try segments(document).map { try #require($0["answer"] as? String) }
    let merged = try #require(document["merged"] as? [String: Any])
    #expect(merged["approximate"] as? Bool == true && merged["answers"] as? Int == 4)
    #expect(list.count == 7 && list[4].isEmpty && list[6].isEmpty)
    #expect(list[5].hasPrefix("Merged from 4 answers by the model, approximate: "))
    for (line, answer) in zip(list, answers) { #expect(line.contains(answer)) }
    #expect(list[1].hasPrefix("0:00:08 to 0:00:16  "))
    let (one, other) = try (
      String(contentsOfFile: srt, encoding: .utf8), String(contentsOfFile: vtt, encoding: .utf8)
    )
    #expect(one.contains("2\n00:00:08,000 --> 00:00:16,000\n\(answers[1])"))
    #expect(other.hasPrefix("WEBVTT\n\nNOTE Merged from 4 answers by the model, approximate: "))
    #expect(other.contains("2\n00:00:08.000 --> 00:00:16.000\n\(answers[1])"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("cache")).count == 4)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() == [
        "a.srt", "a.vtt", "cache",
      ])
  }

  @Test("a window that cannot be looked at is told and left out, and the others are asked")
  func damaged() throws {
    let video = Fixtures.path("reports/damage/h264_zero.mp4")
    let subtitles = folder.path("a.srt")
    let outcome = try ask(
      ["--segments", "1", "What?", "--subtitles", subtitles, "--json"], video: video, status: 3)
    let document = try outcome.json()
    #expect(document["failed"] as? Int == 2)
    let all = try segments(document)
    #expect(all.map { $0["status"] as? String } == ["failed", "failed", "ok"])
    #expect((all[1]["error"] as? String)?.contains("the video is damaged") == true)
    #expect(outcome.errors.contains("warning: 0:00:01 to 0:00:02: \(video)"), "\(outcome.errors)")
    let cues = try String(contentsOfFile: subtitles, encoding: .utf8)
    #expect(cues.hasPrefix("1\n00:00:02,000 --> 00:00:03,000\n"))
    // Where nothing can be looked at, that is an error, and nothing is written.
    let none = try Command.run([
      "ask", SampleModel.float.get(), "--video", Fixtures.path("reports/damage/gif_zero.gif"), "--segments",
      "1", "What?", "--subtitles", folder.path("none.srt"),
    ])
    #expect(none.status == 2 && none.errors.contains("error: "), "\(none.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("none.srt")))
  }

  @Test("subtitles that cannot be written are refused before anything is looked at")
  func refusals() throws {
    let model = try SampleModel.float.get()
    let command = ["ask", model, "--video", Self.video, "--segments", "8", "--subtitles"]
    let place = folder.path("none/a.srt")
    try expectRefusal(command + [place, "What?"], naming: place, in: folder)
    let link = folder.path("video.vtt")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: Self.video)
    try expectRefusal(
      command + [link, "What?"], naming: link, saying: "one of the files that are read", in: folder)
    let long = String(repeating: "What color is the circle? ", count: 400)
    let outcome = try Command.run(["ask", model, "--video", Self.video, "--segments", "8", "--merge", long])
    #expect(outcome.status == 2 && outcome.errors.contains("no room for answers"), "\(outcome.errors)")
    #expect(outcome.output == "")
  }

  @Test(
    "wrong use is told",
    arguments: [
      ["--segments", "0", "What?"], ["--segments", "25", "What?"], ["--segments", "8", "What?", "Where?"],
      ["--merge", "What?"], ["--subtitles", "a.srt", "What?"],
      ["--segments", "8", "--subtitles", "a.txt", "What?"],
    ])
  func usage(options: [String]) throws {
    let model = try SampleModel.float.get()
    #expect(try Command.run(["ask", model, "--video", Self.video] + options).status == 64, "\(options)")
    #expect(try Command.run(["ask", model, "--segments", "8", "What?"]).status == 64)
  }
}
