import CogBase
import CogCompute
import CogEvaluate
import CogMedia
import CogTestSupport
import Foundation
import Testing

/// Runs over a list whose replies are made up.
struct RunTests {
  private let folder: TemporaryFolder
  private let list: RunList
  private let header: RunHeader

  init() throws {
    folder = try TemporaryFolder()
    // 5 videos with 1 to 3 questions, out of order; one question stands twice.
    let entries = [(0, "a"), (1, "b"), (0, "c"), (2, "a"), (3, "a"), (4, "d"), (2, "b"), (0, "a")].map {
      #"{"video": "v\#($0)", "task": "t", "question": "\#($1)", "answer": "x"}"#
    }
    list = RunList(try questionSet("[\(entries.joined(separator: ","))]"))
    header = try Self.header(list)
  }

  private static func header(_ list: RunList, maxNewTokens: Int = 24) throws -> RunHeader {
    try RunHeader(
      job: "questions", model: .init(name: "m", digest: "d", encodings: ["BF16": 1]),
      prompt: .init(template: "chat", profile: "plain"), frames: "chat",
      settings: .init(mode: "fast", maxNewTokens: maxNewTokens, toleratesDamage: false), list: list)
  }

  /// Stops work as an interrupt does.
  private struct Stop: Error {}

  /// Does a share of the run in `name`; of each item, the reply is made of what is asked.
  ///
  /// - Parameter stop: stops before this item.
  @discardableResult
  private func run(
    _ name: String = "run", shard: String = "0/1", limit: Int? = nil, retriesFailed: Bool = false,
    broken: Set<String> = [], stopAt stop: Int = .max, asked: inout [String]
  ) throws -> ShardedRun {
    let folder = try RunFolder(path: folder.path(name), header, list)
    var options = ShardedRun.Options()
    options.shard = try #require(Shard(shard))
    (options.limit, options.retriesFailed) = (limit, retriesFailed)
    var share = ShardedRun(folder, try folder.list(), try RunLines(folder), options: options)
    var here: [String] = []
    defer { asked += here }
    do {
      try share.run(context: RunContext()) { item in
        if broken.contains(item.video) { throw CogError("cannot open", file: item.video) }
        return item.video
      } ask: { item, video in
        if here.count == stop { throw Stop() }
        here.append(item.key)
        return RunReply(text: "\(video) \(item.question)", ids: [here.count])
      }
    } catch is Stop {}
    return share
  }

  private func results(_ names: [String] = ["run"]) throws -> [String] {
    var lines: [String] = []
    try MergedRun(names.map(folder.path)).results { lines.append($0) }
    return lines
  }

  @Test("keys are those of the format, of what is asked alone, and of equal questions each has its own")
  func keys() {
    // SHA-256 of "dataset 9\nquestions\nvideo 2\nv1\ntask 1\nt\nquestion 1\nb\n".
    #expect(list.items[1].key == "5ec214df05326e38260c2337906d28da")
    #expect(Set(list.items.map(\.key)).count == list.items.count)
    let other = RunItem(dataset: "questions", video: "v1", task: "t", question: "b", answer: "another")
    #expect(other.key == list.items[1].key)
    let free = RunItem(dataset: "questions", video: "v1", task: "t", question: "b", candidates: ["x"])
    #expect(free.key != other.key)
  }

  @Test("shards share no video, have all items together, and one of many may have none")
  func shards() throws {
    for count in 1...9 {
      let shards = try (0..<count).map { try #require(Shard($0, of: count)) }
      let items = shards.map { list.items(about: $0.videos(of: list)) }
      #expect(items.joined().map(\.key).sorted() == list.items.map(\.key).sorted())
      #expect(Set(items.flatMap { Set($0.map(\.video)) }).count == 5)
      #expect(items.flatMap { Array(Set($0.map(\.video))) }.count == 5)
    }
    #expect(list.items(about: ["v2", "v0"]).map(\.question) == ["a", "b", "a", "c", "a"])
    for wrong in ["", "1", "1/1", "-1/2", "0/0", "0/2/3", "a/b", "0/100000", "+0/2"] {
      #expect(Shard(wrong) == nil, "\(wrong)")
    }
    #expect(Shard("3/12")?.name == "00003-of-00012")
  }

  @Test("whatever the shards, the stops between them and their order, results are the same, asked once each")
  func sameResults() throws {
    var asked: [String] = []
    try run(asked: &asked)
    let expected = try results()
    #expect(expected.count == 8 && asked.count == 8)
    for count in [1, 2, 3, 7] {
      var asked: [String] = []
      for number in (0..<count).reversed() {
        try run("\(count)", shard: "\(number)/\(count)", stopAt: number % 2, asked: &asked)
      }
      // Another number of shards goes on, then one process.
      try run("\(count)", shard: "1/2", limit: 1, asked: &asked)
      try run("\(count)", asked: &asked)
      #expect(
        try results(["\(count)"]).map { $0.replacing(/"ids":\[\d+\]/, with: "") }
          == expected.map { $0.replacing(/"ids":\[\d+\]/, with: "") }, "\(count)")
      #expect(asked.sorted() == list.items.map(\.key).sorted(), "\(count)")
    }
  }

  @Test("what fails is a line, stays failed until it is tried again, and a reply beats it")
  func failures() throws {
    var asked: [String] = []
    let first = try run(broken: ["v0"], asked: &asked)
    #expect(first.failed == 3 && first.missing == 0 && asked.count == 5)
    #expect(try run(asked: &asked).failed == 3)
    let merged = try MergedRun([folder.path("run")])
    #expect(merged.failed.map(\.video) == ["v0", "v0", "v0"] && merged.missing == [])
    #expect(try results()[0].contains(#""error":"v0: cannot open""#))
    #expect(try results()[0].contains(#""reply":null"#))
    #expect(try run(retriesFailed: true, asked: &asked).failed == 0)
    #expect(asked.count == 8)
    let lines = try RunLines(RunFolder(path: folder.path("run")))
    #expect(lines.best[list.items[0].key]?.attempt == 2)
    #expect(lines.best[list.items[1].key]?.attempt == 1)
  }

  @Test("a run that was begun otherwise is refused by what differs, and left as it is")
  func otherHeader() throws {
    var asked: [String] = []
    try run(asked: &asked)
    let before = try results()
    let other = try Self.header(list, maxNewTokens: 25)
    let error = #expect(throws: CogError.self) { try RunFolder(path: folder.path("run"), other, list) }
    #expect(error?.description.contains("--max-new-tokens: the run was begun otherwise") == true)
    #expect(error?.description.contains(#"expected "24", found "25""#) == true)
    let fewer = RunList(Array(list.items.dropLast()))
    let items = #expect(throws: CogError.self) {
      try RunFolder(path: folder.path("run"), Self.header(fewer), fewer)
    }
    #expect(items?.subject == "items")
    #expect(try results() == before)
    #expect(throws: CogError.self) { try MergedRun([folder.path("none")]) }
  }

  @Test("a folder with something else in it is no place for a run")
  func foreignFolder() throws {
    _ = try folder.write("x".utf8, as: "note.txt")
    let error = #expect(throws: CogError.self) { try RunFolder(path: folder.url.path, header, list) }
    #expect(error?.found == "note.txt")
    #expect(try folder.contents() == ["note.txt"])
  }

  private func parts() throws -> [URL] {
    try FileManager.default.contentsOfDirectory(
      at: URL(filePath: folder.path("run/parts")), includingPropertiesForKeys: nil)
  }

  @Test(
    "a torn last line is dropped, wherever it is torn; a damaged one before others is told, and asked again")
  func damage() throws {
    var asked: [String] = []
    try run(asked: &asked)
    let part = try #require(try parts().first)
    let whole = try Data(contentsOf: part)
    let lastLine = try #require(whole.dropLast().lastIndex(of: UInt8(ascii: "\n"))) + 1
    for end in [lastLine, lastLine + 1, lastLine + 40, whole.count - 2] {
      try whole.prefix(end).write(to: part)
      let lines = try RunLines(RunFolder(path: folder.path("run")))
      #expect(lines.best.count == 7 && lines.damaged == [])
    }
    // Without its line feed the last line is whole.
    try whole.dropLast().write(to: part)
    #expect(try RunLines(RunFolder(path: folder.path("run"))).best.count == 8)
    var broken = whole
    broken[broken.startIndex] = UInt8(ascii: "x")
    try broken.write(to: part)
    let lines = try RunLines(RunFolder(path: folder.path("run")))
    #expect(lines.best.count == 7 && lines.damaged.count == 1)
    #expect(lines.damaged[0].hasSuffix("line 1"))
    asked = []
    try run(asked: &asked)
    #expect(try asked.count == 1 && MergedRun([folder.path("run")]).missing == [])
  }

  @Test("lines of another run are refused")
  func foreignLines() throws {
    var asked: [String] = []
    try run(asked: &asked)
    let part = try #require(try parts().first)
    let text = try String(contentsOf: part, encoding: .utf8)
    try text.replacing(header.identity, with: "0123456789abcdef").write(
      to: part, atomically: true, encoding: .utf8)
    let error = #expect(throws: CogError.self) { try RunLines(RunFolder(path: folder.path("run"))) }
    #expect(error?.description.contains("lines of another run") == true)
  }

  @Test("folders of one run are merged, what is missing is listed, and replies that differ are found")
  func machines() throws {
    var asked: [String] = []
    try run("a", shard: "0/2", asked: &asked)
    try run("b", shard: "1/2", limit: 1, asked: &asked)
    let merged = try MergedRun(["a", "b"].map(folder.path))
    #expect(merged.missing.count == 8 - asked.count && merged.conflicts == [])
    try run("c", asked: &asked)
    let all = try MergedRun(["a", "b", "c"].map(folder.path))
    #expect(all.missing == [])
    // The made-up ids count what a process has asked.
    #expect(!all.conflicts.isEmpty)
  }

  @Test("a plan has the items of every shard, and hours once something was measured")
  func plan() throws {
    var options = ShardedRun.Options()
    options.shard = try #require(Shard("0/3"))
    let before = RunPlan(list, nil, options: options)
    #expect(before.rows.map(\.items) == [4, 2, 2])
    #expect(before.rows.allSatisfy { $0.seconds == nil && $0.finished == 0 && $0.left == $0.items })
    var asked: [String] = []
    try run(limit: 2, asked: &asked)
    let after = RunPlan(list, try RunLines(RunFolder(path: folder.path("run"))), options: options)
    #expect(after.rows.map(\.finished).reduce(0, +) == 2 && after.rows.map(\.left).reduce(0, +) == 6)
    #expect(after.rows.allSatisfy { $0.seconds != nil })
  }

  @Test("the time of a plan has each piece of a video that is looked at, and not each video")
  func planOfPieces() throws {
    let bounds = [ClipBounds(start: 0, end: 2), ClipBounds(start: 2, end: 4)]
    let items = ["a", "b"].flatMap { video in
      bounds.map { RunItem(dataset: "captions", video: video, bounds: $0, question: "?") }
    }
    let list = RunList(items)
    let folder = try RunFolder(path: folder.path("pieces"), Self.header(list), list)
    let part = folder.path + "/parts/part-00000-of-00001.0000000000000000.jsonl"
    let line = [
      #"{"attempt":1,"finished":1,"frames":[],"ids":[],"kernels":"k","key":"\#(items[0].key)","reply":"x","#,
      #""run":"\#(folder.header.identity)","seconds":{"prompt":1,"reply":1,"total":13,"video":10},"#,
      #""status":"ok","tool":"t"}"# + "\n",
    ].joined()
    try line.write(toFile: part, atomically: true, encoding: .utf8)
    let plan = RunPlan(list, try RunLines(folder), options: .init())
    // Three pieces are left: 10 s to look at each, 3 s for each caption.
    #expect(plan.rows.map(\.seconds) == [39])
  }

  @Test("a video that is lost while the run works stops it, and nothing of it is noted as failed")
  func lostVideos() throws {
    let videos = folder.path("videos")
    let run = try RunFolder(path: folder.path("run"), header, list)
    func work(_ open: (RunItem) throws -> Void) throws -> ShardedRun {
      var share = ShardedRun(run, list, try RunLines(run), options: .init())
      try share.run(context: RunContext(), videoPath: { "\(videos)/\($0.video)" }) { item in
        try open(item)
      } ask: { item, _ in
        RunReply(text: item.question, ids: [])
      }
      return share
    }
    func requireThere(_ item: RunItem) throws {
      guard FileManager.default.fileExists(atPath: "\(videos)/\(item.video)") else {
        throw CogError.system("cannot open", file: item.video, code: ENOENT)
      }
    }
    try FileManager.default.createDirectory(atPath: videos, withIntermediateDirectories: false)
    // One of them was never there.
    for name in ["v0", "v1", "v2", "v4"] { try Data([0]).write(to: URL(filePath: "\(videos)/\(name)")) }
    let gone = #expect(throws: CogError.self) {
      try work { item in
        if item.video == "v1" { try FileManager.default.moveItem(atPath: videos, toPath: videos + "2") }
        try requireThere(item)
      }
    }
    #expect(gone?.file == "\(videos)/v1" && gone?.advice?.contains("the same command goes on") == true)
    #expect(try MergedRun([run.path]).failed == [] && MergedRun([run.path]).missing.count == 5)
    try FileManager.default.moveItem(atPath: videos + "2", toPath: videos)
    for code in [EIO, ESTALE, EMFILE, ENOMEM] {
      let error = #expect(throws: CogError.self) {
        try work { throw CogError.system("cannot read", file: $0.video, code: code).concerning("frame 3") }
      }
      #expect(error?.description.contains("the same command goes on") == true, "\(code)")
    }
    #expect(try MergedRun([run.path]).failed == [])
    let share = try work(requireThere)
    #expect(share.failed == 1 && share.missing == 0)
  }

  @Test("merged results say how many items the run has and which frames were shown; older ones do not")
  func mergedResults() throws {
    var asked: [String] = []
    try run(limit: 3, asked: &asked)
    let lines = try results()
    let path = try folder.write(lines.joined().utf8, as: "merged.jsonl")
    let merged = try RunResults(path: path)
    #expect(merged.results.count == 3 && merged.missing == 5 && merged.frames == "chat")
    #expect(try RunResults(path: folder.path("run")).missing == 5)
    let error = #expect(throws: CogError.self) {
      try #require(ExportForm(named: "pllava")).files(of: merged)
    }
    #expect(error != nil)
    let older = try lines.map { line in
      var object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(object.removeValue(forKey: "run") != nil)
      return String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self) + "\n"
    }
    let known = try RunResults(path: folder.write(older.joined().utf8, as: "older.jsonl"))
    #expect(known.results == merged.results && known.missing == nil && known.frames == nil)
    #expect(try ScoreReport(known).missing == nil && ScoreReport(merged).missing == 5)
  }

  @Test("an item that takes too long fails, and the next one has its own time")
  func deadline() throws {
    let deadline = ItemDeadline(seconds: 0.2, besides: NeverCancelled())
    let folder = try RunFolder(path: folder.path("run"), header, list)
    var share = ShardedRun(folder, list, try RunLines(folder), options: .init())
    try share.run(context: RunContext(cancellation: deadline), deadline: deadline) {
      $0
    } ask: { item, _ in
      if item.video == "v2" { Thread.sleep(forTimeInterval: 0.3) }
      try deadline.check()
      return RunReply(text: "x", ids: [])
    }
    #expect(share.failed == 2 && share.missing == 0)
    #expect(
      share.records.values.filter { $0.status == .failed }.allSatisfy {
        $0.error?.contains("--timeout") == true
      })
  }
}
