import CogTestSupport
import Foundation
import Testing

/// `cogvlm caption` and `cogvlm merge --export`.
@Suite(.serialized) struct CaptionTests {
  private static let reader = Fixtures.packageFolder.appending(path: "Tests/Python/read_captions.py").path
  private static let videos = Fixtures.path("sample/videos")
  private static let wholeForms = ["sidecar", "prompts", "csv", "jsonl", "videox-fun", "sat"]
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func caption(
    _ run: String, _ paths: [String], _ options: [String] = [], tokens: Int = 6, status: Int32 = 0
  ) throws -> [String: Any] {
    let outcome = try Command.run(
      ["caption", try SampleModel.int4.get()] + paths
        + ["--run", folder.path(run), "--max-new-tokens", "\(tokens)", "--json"] + options)
    try #require(outcome.status == status, "\(outcome.errors)")
    return try outcome.json()
  }

  private func export(
    _ run: String, _ form: String, status: Int32 = 0, videos: String = videos, _ options: [String] = []
  ) throws -> String {
    let output = folder.path("\(run)-\(form)")
    let outcome = try Command.run(
      ["merge", folder.path(run), "--export", form, "-o", output, "--videos", videos] + options)
    try #require(outcome.status == status, "\(outcome.errors)")
    return output
  }

  /// What a reader of the form gets, by video.
  private func read(_ form: String, _ path: String, videos: String = videos) throws -> [String: String] {
    let outcome = try Python.run([Self.reader, form, path, videos])
    try #require(outcome.status == 0, "\(form): \(outcome.errors)")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: String])
  }

  @Test(
    "a folder's videos get captions, and readers of every form get the same ones",
    .enabled(if: Python.isThere, "needs python3"))
  func sample() throws {
    let document = try caption("run", [Self.videos])
    let captions = try #require(document["captions"] as? [[String: Any]])
    #expect(captions.count == 25 && captions.allSatisfy { $0["status"] as? String == "ok" })
    let expected = Dictionary(
      uniqueKeysWithValues: try captions.map { caption in
        let text = try #require(caption["caption"] as? String)
        return (try #require(caption["video"] as? String), text.split(separator: " ").joined(separator: " "))
      }
    ).filter { !$0.value.isEmpty }
    #expect(expected.count > 20)
    for form in Self.wholeForms {
      #expect(try read(form, export("run", form)) == expected, "\(form)")
    }
  }

  @Test("what is asked, and how, is what ask says of the published prompt")
  func published() throws {
    let video = SampleModel.video("v03_h264.mp4")
    let document = try caption("run", [video])
    let answer = try Command.run([
      "ask", try SampleModel.int4.get(), "--video", video, "Please describe this video in detail.",
      "--template", "chat", "--max-new-tokens", "6", "--json",
    ]).json()
    let captions = try #require(document["captions"] as? [[String: Any]])
    #expect(captions.map { $0["caption"] as? String } == [answer["text"] as? String])
    let other = try caption("other", [video], ["--prompt", "What color is the circle?"])
    #expect((other["captions"] as? [[String: Any]])?.first?["caption"] as? String != nil)
    // The run is one of its prompt.
    try expectRefusal(
      [
        "caption", try SampleModel.int4.get(), video, "--run", folder.path("run"), "--max-new-tokens", "6",
        "--prompt", "What?",
      ], naming: folder.path("run/header.json"), saying: "--prompt: the run was begun otherwise", in: folder)
  }

  @Test(
    "captions with line ends, quotes, commas, emoji and 500 words arrive whole; failed ones nowhere",
    .enabled(if: Python.isThere, "needs python3"))
  func oddCaptions() throws {
    let names = ["v03_h264.mp4", "v17_vfr.mp4", "v22_h264.mp4", "broken.mp4", "v20_hd.mp4"]
    let videos = folder.path("videos")
    try FileManager.default.createDirectory(atPath: videos, withIntermediateDirectories: false)
    for name in names where name != "broken.mp4" {
      try FileManager.default.copyItem(atPath: SampleModel.video(name), toPath: "\(videos)/\(name)")
    }
    try Data(count: 100).write(to: URL(filePath: "\(videos)/broken.mp4"))
    let document = try caption("run", [videos], tokens: 2, status: 3)
    #expect(document["failed"] as? Int == 1)
    let words = (0..<500).map { $0 % 7 == 6 ? "word\($0)." : "word\($0)" }.joined(separator: " ")
    let replies = [
      "v03_h264.mp4": "one\ntwo\r\n\u{2028}three\t\u{85}four",
      "v17_vfr.mp4": #"He said "yes", 'no', a\b, c;d"#,
      "v20_hd.mp4": words, "v22_h264.mp4": "👩‍👩‍👧 und Öl, 電視 \u{0} end",
    ]
    try rewriteReplies(of: "run", replies)
    let expected = replies.mapValues { text in
      text.split { $0.isWhitespace || $0 == "\0" }.joined(separator: " ")
    }
    for form in Self.wholeForms {
      let output = try export("run", form, status: 3, videos: videos)
      #expect(try read(form, output, videos: videos) == expected, "\(form)")
    }
    let cut = try export("run", "jsonl", status: 3, videos: videos, ["--cut-words", "120", "--force"])
    let short = try read("jsonl", cut, videos: videos)
    #expect(short["v20_hd.mp4"]?.split(separator: " ").count == 119)
    #expect(short["v17_vfr.mp4"] == expected["v17_vfr.mp4"])
  }

  /// Puts other replies in the place of those in the lines of a run.
  private func rewriteReplies(of run: String, _ replies: [String: String]) throws {
    let items = try String(contentsOfFile: folder.path("\(run)/items.jsonl"), encoding: .utf8)
    var byKey: [String: String] = [:]
    for line in items.split(separator: "\n") {
      let item = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      byKey[try #require(item["key"] as? String)] = replies[try #require(item["video"] as? String)]
    }
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path("\(run)/parts")) {
      let path = folder.path("\(run)/parts/\(name)")
      let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
        var record = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        if let reply = byKey[try #require(record["key"] as? String)] { record["reply"] = reply }
        return String(decoding: try JSONSerialization.data(withJSONObject: record), as: UTF8.self) + "\n"
      }
      try lines.joined().write(toFile: path, atomically: true, encoding: .utf8)
    }
  }

  @Test(
    "windows have their start and end, seconds make a dictionary, and a run goes on with its own list",
    .enabled(if: Python.isThere, "needs python3"))
  func pieces() throws {
    let video = SampleModel.video("v03_h264.mp4")
    let document = try caption("windows", [video], ["--split-seconds", "2", "--limit", "1"], status: 3)
    let all = try caption("windows", [video], ["--split-seconds", "2"])
    #expect(document["items"] as? Int == all["items"] as? Int && document["missing"] as? Int ?? 0 > 0)
    let captions = try #require(all["captions"] as? [[String: Any]])
    #expect(captions.map { $0["start"] as? Double } == captions.indices.map { Double($0 * 2) })
    #expect(zip(captions, captions.dropFirst()).allSatisfy { $0["end"] as? Double == $1["start"] as? Double })
    let sidecar = try String(contentsOfFile: export("windows", "sidecar") + "/v03_h264.txt", encoding: .utf8)
    #expect(sidecar.split(separator: "\n").count == captions.count)
    let refused = try Command.run([
      "merge", folder.path("windows"), "--export", "prompts", "-o", folder.path("p"),
    ])
    #expect(refused.status == 2 && refused.errors.contains("no place for pieces"), "\(refused.errors)")
    let seconds = try caption("seconds", [video], ["--every-second"], tokens: 2)
    let count = try #require(seconds["items"] as? Int)
    let read = try read("seconds", export("seconds", "seconds"))
    #expect(Set(read.keys).isSubset(of: (0..<count).map { "v03_h264.mp4@\($0)" }) && count > 2)
    let reader = try Python.run([Python.tools + "/read_run.py", folder.path("seconds"), "--merge"])
    #expect(reader.status == 0, "\(reader.errors)")
    #expect(reader.output.split(separator: "\n").count == count)
  }

  @Test(
    "odd captions of windows and of seconds arrive whole in the forms that have pieces",
    .enabled(if: Python.isThere, "needs python3"))
  func oddPieces() throws {
    let videos = ["v22_h264.mp4", "v23_h264.mp4"]
    let words = (0..<500).map { "word\($0)" }.joined(separator: " ")
    let replies = ["v22_h264.mp4": "a \"b\", c\n\u{2028}d\r\n👩‍👩‍👧; é", "v23_h264.mp4": words]
    let texts = replies.mapValues { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
    for (run, options) in [("windows", ["--split-seconds", "1"]), ("seconds", ["--every-second"])] {
      let document = try caption(run, videos.map(SampleModel.video), options, tokens: 1)
      try rewriteReplies(of: run, replies)
      let pieces = try #require(document["captions"] as? [[String: Any]])
      #expect(pieces.count > 4)
      let expected = try Dictionary(
        uniqueKeysWithValues: pieces.map { piece in
          let video = try #require(piece["video"] as? String)
          let (start, end) = (piece["start"] as? Double ?? -1, piece["end"] as? Double ?? -1)
          let name = run == "seconds" ? "\(Int(start))" : String(format: "%g-%g", start, end)
          return ("\(video)@\(name)", try #require(texts[video]))
        })
      for form in run == "seconds" ? ["seconds"] : ["csv", "jsonl"] {
        #expect(try read(form, export(run, form)) == expected, "\(form)")
      }
    }
    let sidecar = try export("windows", "sidecar")
    for video in videos {
      let text = try String(contentsOfFile: "\(sidecar)/\(video.dropLast(4)).txt", encoding: .utf8)
      let caption = try #require(texts[video])
      #expect(Set(text.split(separator: "\n").map(String.init)) == [caption])
    }
  }

  @Test("lists, CSV and JSON lines name videos; what is missing fails, and nothing there is an error")
  func lists() throws {
    let entries = ["\(Self.videos)/v22_h264.mp4", "none.mp4"]
    for (name, text) in [
      ("l.txt", entries.joined(separator: "\n")), ("l.csv", "n,video\n1,\(entries[0])\n2,none.mp4\n"),
      ("l.jsonl", entries.map { "{\"file_name\":\"\($0)\"}" }.joined(separator: "\n")),
    ] {
      let list = try folder.write(text.utf8, as: name)
      let document = try caption(name + "-run", [list], tokens: 1, status: 3)
      let captions = try #require(document["captions"] as? [[String: Any]])
      #expect(captions.map { $0["video"] as? String } == entries && document["failed"] as? Int == 1)
    }
    let empty = try folder.write("none.mp4\n".utf8, as: "none.txt")
    try expectRefusal(
      ["caption", try SampleModel.int4.get(), empty, "--run", folder.path("r")], naming: empty,
      saying: "not one of the videos", in: folder)
    let usage = try Command.run(["caption", try SampleModel.int4.get(), Self.videos])
    #expect(usage.status == 64 && usage.errors.contains("--run"))
  }

  @Test("exports beside the folder of the videos need to know it, and those in it do not")
  func videoFolder() throws {
    let video = SampleModel.video("v22_h264.mp4")
    let videos = folder.path("videos")
    try FileManager.default.createDirectory(atPath: videos, withIntermediateDirectories: false)
    try FileManager.default.copyItem(atPath: video, toPath: "\(videos)/clip.mp4")
    _ = try caption("run", [videos], tokens: 2)
    let merge = ["merge", folder.path("run"), "--export", "prompts", "-o"]
    try expectRefusal(
      merge + [folder.path("out")], naming: folder.path("out/clip.mp4"), saying: "--videos", in: folder)
    #expect(try Command.run(merge + [videos]).status == 0)
    #expect(try String(contentsOfFile: "\(videos)/videos.txt", encoding: .utf8) == "clip.mp4\n")
    #expect(try Command.run(merge + [folder.path("out"), "--videos", videos]).status == 0)
    #expect(
      try String(contentsOfFile: folder.path("out/videos.txt"), encoding: .utf8) == "../videos/clip.mp4\n")
    let usage = try Command.run(["merge", folder.path("run"), "-o", folder.path("o"), "--videos", videos])
    #expect(usage.status == 64 && usage.errors.contains("--export"))
  }

  @Test("windows longer than what the rule of the frames shows are refused with a rule that fits")
  func longWindows() throws {
    let command = [
      "caption", try SampleModel.int4.get(), Self.videos, "--run", folder.path("run"), "--plan",
      "--split-seconds",
    ]
    for (options, status) in [
      (["24"], Int32(0)), (["25"], 64), (["25", "--frames", "uniform:24"], 0),
      (["60", "--frames", "base"], 0), (["60", "--template", "base"], 0), (["61", "--frames", "base"], 64),
    ] {
      let outcome = try Command.run(command + options)
      #expect(outcome.status == status, "\(options): \(outcome.errors)")
      #expect(status == 0 || outcome.errors.contains("--frames uniform:24"), "\(outcome.errors)")
    }
  }

  @Test("shards of captions merge to the same results as one process")
  func shards() throws {
    let paths = ["v03_h264.mp4", "v17_vfr.mp4", "v22_h264.mp4"].map(SampleModel.video)
    _ = try caption("one", paths, tokens: 3)
    for number in [1, 0] { _ = try caption("two", paths, ["--shard", "\(number)/2"], tokens: 3) }
    let results = try ["one", "two"].map { run in
      let output = folder.path("\(run).jsonl")
      #expect(try Command.run(["merge", folder.path(run), "-o", output]).status == 0)
      return try String(contentsOfFile: output, encoding: .utf8)
    }
    #expect(results[0] == results[1] && results[0].split(separator: "\n").count == 3)
    // Other videos are another run.
    let other = try Command.run(
      ["caption", try SampleModel.int4.get(), paths[0], "--max-new-tokens", "3", "--run", folder.path("one")])
    #expect(other.status == 2 && other.errors.contains("begun with other videos"), "\(other.errors)")
  }
}
