import CogTestSupport
import Foundation
import Testing

/// `--cache` of the commands that ask about videos.
@Suite struct CacheTests {
  private static let video = SampleModel.video("v22_h264.mp4")
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path("cache")).sorted()
  }

  @Test("answers are the same with a cache, from it, and without, and all commands share it")
  func sharing() throws {
    let model = try SampleModel.int4.get()
    let cache = ["--cache", folder.path("cache"), "--threads", "2"]
    func ask(_ options: [String]) throws -> [String: Any] {
      var document = try Command.run(
        ["ask", model, "--video", Self.video, "Which way does the circle move?", "--json"] + options
      ).json()
      document["seconds"] = nil
      return document
    }
    let plain = try ask(["--threads", "2"]) as NSDictionary
    #expect(try ask(cache) as NSDictionary == plain)
    let kept = try names()
    #expect(kept.count == 1)
    #expect(try ask(cache) as NSDictionary == plain)
    let questions = try folder.write(
      #"[{"video":"v22_h264.mp4","task":"t","question":"Which way does the circle move?","answer":"up"}]"#
        .utf8,
      as: "q.json")
    let eval = ["eval", model, "--questions", questions, "--videos", Fixtures.path("sample/videos")] + cache
    for options in [[], ["--run", folder.path("run")]] {
      let outcome = try Command.run(eval + options + ["--json"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect((try outcome.json()["accuracy"] as? [String: Any])?["overall"] as? Double == 1)
    }
    let caption = try Command.run(
      ["caption", model, Self.video, "--run", folder.path("captions"), "--max-new-tokens", "1"] + cache)
    #expect(caption.status == 0, "\(caption.errors)")
    #expect(try names() == kept)
  }

  @Test("the cache keeps to its size, and a folder that is none is refused")
  func bounds() throws {
    let model = try SampleModel.int4.get()
    let cache = ["--cache", folder.path("cache"), "--cache-size", "1B", "--max-new-tokens", "1"]
    #expect(try Command.run(["ask", model, "--video", Self.video, "What?"] + cache).status == 0)
    #expect(try names() == [])
    let file = try folder.write("x".utf8, as: "file")
    try expectRefusal(
      ["ask", model, "--video", Self.video, "What?", "--cache", file], naming: file, in: folder)
    let usage = try Command.run(["ask", model, "What?", "--cache-size", "1GB"])
    #expect(usage.status == 64 && usage.errors.contains("--cache-size goes with --cache"))
  }
}
