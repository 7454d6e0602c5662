import CogBase
import CogCompute
import CogEvaluate
import CogMedia
import CogTestSupport
import Foundation
import Testing

@Suite struct CaptionTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  // MARK: Texts

  @Test("a caption is one line for every reader, whatever stands in the reply")
  func oneLine() {
    let breaks = [
      "\n", "\r\n", "\u{B}", "\u{C}", "\u{1C}", "\u{1D}", "\u{1E}", "\u{85}", "\u{2028}", "\u{2029}",
    ]
    for gap in breaks + ["\t", "  ", "\u{A0}", "\u{0}"] {
      #expect(CaptionText(" a\(gap)b ").line == "a b", "\(gap.unicodeScalars.first?.value ?? 0)")
    }
    let emoji = "A \"family\", 👩‍👩‍👧: fine; it's 5 o'clock."
    #expect(CaptionText(emoji).line == emoji && CaptionText(emoji).wordCount == 7)
    #expect(CaptionText(" \n ").line == "" && CaptionText("").wordCount == 0)
  }

  @Test("a caption is cut where a sentence ends, or in the first sentence where that is too long")
  func cutting() {
    let text = "One two three. Four \"five.\" Six seven eight nine. Ten"
    #expect(CaptionText(text, words: 100).line == text)
    #expect(CaptionText(text, words: 10).line == text)
    #expect(CaptionText(text, words: 9).line == "One two three. Four \"five.\" Six seven eight nine.")
    #expect(CaptionText(text, words: 8).line == "One two three. Four \"five.\"")
    #expect(CaptionText(text, words: 3).line == "One two three.")
    #expect(CaptionText(text, words: 2).line == "One two")
    #expect(CaptionText(text, words: 8).wordCount == 5)
  }

  @Test("lengths are counted nearly as T5 does")
  func lengths() {
    #expect(CaptionText("").tokenEstimate == 1)
    #expect(CaptionText("A man walks.").tokenEstimate == 5)
    #expect(CaptionText("extraordinarily 1998").tokenEstimate == 5)
    let long = Array(repeating: "word", count: 300).joined(separator: " ")
    #expect(CaptionText(long).tokenEstimate == 301)
  }

  // MARK: Lists

  private func names(_ text: String, column: String? = nil) throws -> [String] {
    let path = try folder.write(text.utf8, as: "list-\(UUID().uuidString)")
    return try VideoList([path], column: column).entries.map(\.name)
  }

  @Test("lists are told apart by what is in them")
  func lists() throws {
    let expected = ["a.mp4", "b c/d.mp4", "e, \"f\".mp4"]
    #expect(try names("a.mp4\r\n\nb c/d.mp4\n./e, \"f\".mp4") == expected)
    #expect(try names("\u{FEFF}id,video\r\n1,a.mp4\r\n2,b c/d.mp4\n3,\"e, \"\"f\"\".mp4\"\n") == expected)
    #expect(try names("file_name\na.mp4\nb c/d.mp4\n\"e, \"\"f\"\".mp4\"") == expected)
    #expect(
      try names(
        #"{"video_path": "a.mp4", "x": 1}"# + "\n\n" + #"{"file": "b c/d.mp4"}"# + "\n"
          + #"{"video": "e, \"f\".mp4"}"#
      )
        == expected)
    #expect(try names("clip,text\na.mp4,\"two\nlines\"\nb.mp4,\n", column: "clip") == ["a.mp4", "b.mp4"])
    // A video that a list names twice is asked about once.
    #expect(try names("a.mp4\na.mp4\n") == ["a.mp4"])
  }

  @Test(
    "lists that lack what is wanted are refused with the line",
    arguments: [
      ("video,n\na.mp4,1\n,2\n", "line 3"), ("video\n\"a.mp4\n", "line 2"), ("{\"video\": 3}\n", "line 1"),
      ("{\"video\": \"a\"}\n{\n", "line 2"), ("\n \n", "no videos"), ("{}", "--column"),
    ])
  func brokenLists(text: String, words: String) throws {
    let error = #expect(throws: CogError.self) { try names(text) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    #expect(throws: CogError.self) { try names("a,b\n1,2\n", column: "video") }
  }

  @Test("folders are walked, in order, past what is no video and hidden; equal names of two are refused")
  func folders() throws {
    for name in ["v/b.MP4", "v/a/z.webm", "v/.h.mp4", "v/note.txt", "v/mp4", "w/b.MP4"] {
      let url = folder.url.appending(path: name)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data([0]).write(to: url)
    }
    try FileManager.default.createSymbolicLink(atPath: folder.path("v/a/up"), withDestinationPath: "..")
    let list = try VideoList([folder.path("v")])
    #expect(list.entries.map(\.name) == ["a/z.webm", "b.MP4"])
    #expect(list.path(of: "a/z.webm") == folder.path("v/a/z.webm"))
    // A file that is no text is a video itself; the same one again is no other.
    #expect(try VideoList([folder.path("v/b.MP4"), folder.path("v")]).entries.count == 2)
    #expect(throws: CogError.self) { try VideoList([folder.path("v"), folder.path("w")]) }
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: "e"), withIntermediateDirectories: true)
    #expect(throws: CogError.self) { try VideoList([folder.path("e")]) }
    // A column is that of a list.
    #expect(throws: CogError.self) { try VideoList([folder.path("v")], column: "video") }
  }

  // MARK: Exports

  /// A run of captions of these videos; no reply for nil.
  private func merged(
    _ replies: [(String, ClipBounds?, String?)], job: String = RunList.captionJob,
    pieces: CaptionPieces = .whole
  ) throws -> MergedRun {
    let list = RunList(
      replies.map { RunItem(dataset: "captions", video: $0.0, bounds: $0.1, question: "What?") })
    let header = try RunHeader(
      job: job, model: .init(name: "m", digest: "d", encodings: [:]),
      prompt: .init(template: "chat", profile: "plain", text: "What?"), frames: "chat",
      settings: .init(mode: "fast", maxNewTokens: 1, toleratesDamage: false, pieces: pieces.name), list: list)
    let path = folder.path(UUID().uuidString)
    let run = try RunFolder(path: path, header, list)
    var share = ShardedRun(run, list, try RunLines(run), options: .init())
    let byKey = Dictionary(zip(list.items.map(\.key), replies.map(\.2))) { first, _ in first }
    try share.run(context: RunContext()) { _ in
    } ask: { item, _ in
      guard let text = byKey[item.key] ?? nil else { throw CogError("broken") }
      return RunReply(text: text, ids: [])
    }
    return try MergedRun([path])
  }

  private func files(_ run: MergedRun, _ form: CaptionForm) throws -> [String: String] {
    Dictionary(uniqueKeysWithValues: try CaptionExport(run, form: form).files().map { ($0.path, $0.text) })
  }

  @Test("failed and empty captions are left out on both sides")
  func leftOut() throws {
    let run = try merged([
      ("a/1.mp4", nil, "one\ntwo"), ("2.mp4", nil, nil), ("3.mp4", nil, " \n"), ("4.mp4", nil, "x"),
    ])
    #expect(try files(run, .prompts) == ["prompts.txt": "one two\nx\n", "videos.txt": "a/1.mp4\n4.mp4\n"])
    #expect(try files(run, .sidecar) == ["a/1.txt": "one two\n", "4.txt": "x\n"])
    #expect(try files(run, .sat) == ["labels/a/1.txt": "one two\n", "labels/4.txt": "x\n"])
    #expect(try CaptionExport(run, form: .csv).leftOut == 2)
  }

  @Test("pieces have their seconds where the form has a place for them, and are refused elsewhere")
  func pieces() throws {
    let run = try merged([
      ("a.mp4", ClipBounds(start: 0, end: 2.5), "one"), ("a.mp4", ClipBounds(start: 2.5, end: 4), "two"),
      ("b.mp4", ClipBounds(start: 0, end: 2.5), "three"), ("b.mp4", ClipBounds(start: 2.5, end: 4), nil),
    ])
    // Lines without seconds would stand for other pieces.
    #expect(try files(run, .sidecar) == ["a.txt": "one\ntwo\n"])
    #expect(
      try files(run, .csv)["metadata.csv"]
        == "file_name,video_path,caption,start,end\n\"a.mp4\",\"a.mp4\",\"one\",0.0,2.5\n"
        + "\"a.mp4\",\"a.mp4\",\"two\",2.5,4.0\n\"b.mp4\",\"b.mp4\",\"three\",0.0,2.5\n")
    for form in [CaptionForm.prompts, .videoxFun, .sat] {
      #expect(throws: CogError.self) { try CaptionExport(run, form: form) }
    }
    let seconds = try merged(
      (0..<11).map { ("a.mp4", ClipBounds(start: Double($0), end: Double($0)), "\($0)!") }, pieces: .seconds)
    let captions = (0..<11).map { #""\#($0)":"\#($0)!""# }.joined(separator: ",")
    #expect(
      try files(seconds, .seconds) == [
        "seconds.jsonl": #"{"video":"a.mp4","captions":{\#(captions)}}"# + "\n"
      ])
  }

  @Test("names that a form's reader takes for one are refused there, and told elsewhere")
  func equalNames() throws {
    for (other, refusing) in [
      ("b/clip.mp4", [CaptionForm.prompts]), ("clip.webm", [.prompts, .sidecar, .sat]),
      ("videos/clip.mp4", [.prompts, .sat]), ("/x/clip.mp4", [.prompts, .sidecar, .sat]),
    ] {
      let run = try merged([("clip.mp4", nil, "x"), (other, nil, "y"), ("z.mp4", nil, "z")])
      for form in CaptionForm.allCases where form != .seconds {
        let export = Result { try CaptionExport(run, form: form) }
        if refusing.contains(form) {
          #expect(throws: CogError.self, "\(form) \(other)") { try export.get() }
        } else {
          let notes = try export.get().notes
          #expect(notes.count == 1 && notes[0].contains(" and clip.mp4 "), "\(form) \(other)")
        }
      }
    }
    let apart = try merged([("a/1.mp4", nil, "x"), ("a/2.mp4", nil, "y")])
    #expect(try CaptionExport(apart, form: .csv).notes == [])
  }

  @Test("captions of seconds alone are exported as such")
  func secondsAlone() throws {
    let whole = try merged([("a.mp4", nil, "x")])
    let error = #expect(throws: CogError.self) { try CaptionExport(whole, form: .seconds) }
    #expect(error?.found == "whole videos")
    let windows = try merged(
      [("a.mp4", ClipBounds(start: 0, end: 8), "x")], pieces: .windows(seconds: 8))
    #expect(throws: CogError.self) { try CaptionExport(windows, form: .seconds) }
  }

  @Test("files name videos by paths from their own folder, and what leads to no video is refused")
  func paths() throws {
    for name in ["in/deep/a.mp4", "other/b.mp4"] {
      let url = folder.url.appending(path: name)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data([0]).write(to: url)
    }
    let sources = ["in", "other"].map(folder.path)
    let run = try merged([("deep/a.mp4", nil, "x"), ("b.mp4", nil, "y"), ("/c.mp4", nil, "z")])
    for (output, expected) in [
      ("new", ["../in/deep/a.mp4", "../other/b.mp4"]), ("in/", ["deep/a.mp4", "../other/b.mp4"]),
      (".", ["in/deep/a.mp4", "other/b.mp4"]), ("in/deep", ["../deep/a.mp4", "../../other/b.mp4"]),
    ] {
      let names = try VideoNames(in: folder.path(output), videos: sources)
      let files = try CaptionExport(run, form: .prompts, names: names).files()
      #expect(files[1].text == (expected + ["/c.mp4"]).map { $0 + "\n" }.joined(), "\(output)")
    }
    // Without a folder of videos names start from that of the export.
    let own = try merged([("deep/a.mp4", nil, "x")])
    for form in [CaptionForm.prompts, .csv, .jsonl, .videoxFun] {
      #expect(throws: Never.self) {
        try CaptionExport(own, form: form, names: VideoNames(in: folder.path("in")))
      }
      let error = #expect(throws: CogError.self) {
        try CaptionExport(own, form: form, names: VideoNames(in: folder.path("other")))
      }
      #expect(error?.file == folder.path("other/deep/a.mp4"))
    }
    #expect(throws: CogError.self) { try VideoNames(in: folder.path("in"), videos: [folder.path("none")]) }
  }

  @Test("lines that a name would break are refused, and nothing lies outside of the folder")
  func oddNames() throws {
    let odd = try merged([("a\nb.mp4", nil, "x")])
    #expect(throws: CogError.self) { try CaptionExport(odd, form: .prompts) }
    #expect(try files(odd, .jsonl)["metadata.jsonl"]?.contains(#""file_name":"a\nb.mp4""#) == true)
    // Nothing is written outside of the folder.
    #expect(try files(merged([("/x/../../a.mp4", nil, "x")]), .sidecar).keys.sorted() == ["a.txt"])
    let answers = try merged([("a.mp4", nil, "x")], job: "questions")
    #expect(throws: CogError.self) { try CaptionExport(answers, form: .csv) }
  }

  @Test("what stands there is written over only when that is wanted, and then by whole files")
  func writing() throws {
    let run = try merged([("a.mp4", nil, "new"), ("s/b.mp4", nil, "more")])
    let (export, out) = (try CaptionExport(run, form: .sidecar).files(), folder.path("out"))
    try export.write(to: out, besides: [], force: false)
    try export.write(to: out, besides: [], force: false)
    #expect(try String(contentsOfFile: "\(out)/s/b.txt", encoding: .utf8) == "more\n")
    try "mine".write(toFile: "\(out)/s/b.txt", atomically: true, encoding: .utf8)
    try FileManager.default.removeItem(atPath: "\(out)/a.txt")
    #expect(throws: CogError.self) { try export.write(to: out, besides: [], force: false) }
    #expect(!FileManager.default.fileExists(atPath: "\(out)/a.txt"))
    try export.write(to: out, besides: [], force: true)
    #expect(try String(contentsOfFile: "\(out)/s/b.txt", encoding: .utf8) == "more\n")
  }
}
