import CogTestSupport
import Foundation
import Testing

/// `cogvlm eval --run` and `cogvlm merge`: shards, stops of every kind, and the same results.
@Suite(.serialized) struct EvalRunTests {
  private let folder: TemporaryFolder
  private let questions: String
  private let videos: String

  init() throws {
    folder = try TemporaryFolder()
    videos = folder.path("videos")
    try FileManager.default.createDirectory(atPath: videos, withIntermediateDirectories: false)
    for name in ["v03_h264.mp4", "v17_vfr.mp4", "v22_h264.mp4"] {
      try FileManager.default.copyItem(atPath: SampleModel.video(name), toPath: "\(videos)/\(name)")
    }
    let whole = try Data(contentsOf: URL(filePath: SampleModel.video("v22_h264.mp4")))
    try whole.prefix(whole.count / 2).write(to: URL(filePath: "\(videos)/cut.mp4"))
    // A broken clip, a missing one, and a question that stands twice.
    let names = [
      "v22_h264.mp4", "cut.mp4", "v03_h264.mp4", "v22_h264.mp4", "none.mp4", "v17_vfr.mp4", "v03_h264.mp4",
      "v03_h264.mp4",
    ]
    let asked = ["What color is the circle?", "Which way does the circle move?", "What is shown?"]
    let entries = names.enumerated().map { place, name in
      #"{"video":"\#(name)","task":"t","question":"\#(asked[min(place / 3, 2)])","answer":"up"}"#
    }
    questions = try folder.write("[\(entries.joined(separator: ","))]".utf8, as: "questions.json")
  }

  private func command(_ run: String = "run", _ options: [String] = []) throws -> [String] {
    [
      "eval", try SampleModel.int4.get(), "--questions", questions, "--videos", videos, "--max-new-tokens",
      "4", "--run", folder.path(run),
    ] + options
  }

  /// The merged results of some folders.
  private func merged(_ runs: [String] = ["run"], status: Int32 = 3) throws -> String {
    let output = folder.path("results-\(UUID().uuidString).jsonl")
    let outcome = try Command.run(["merge"] + runs.map(folder.path) + ["-o", output])
    #expect(outcome.status == status, "\(outcome.errors)")
    return try String(contentsOfFile: output, encoding: .utf8)
  }

  /// The keys of all lines of a run, one for each line.
  private func keys(_ run: String = "run") throws -> [String] {
    let parts = folder.path("\(run)/parts")
    return try FileManager.default.contentsOfDirectory(atPath: parts).flatMap { name in
      try String(contentsOfFile: "\(parts)/\(name)", encoding: .utf8).matches(of: /"key":"([0-9a-f]+)"/)
        .map { String($0.1) }
    }
  }

  private func wholeRun() throws -> String {
    let outcome = try Command.run(try command("whole"))
    #expect(outcome.status == 3, "\(outcome.errors)")
    return try merged(["whole"])
  }

  @Test("a run prints what plain eval prints, and its results say the same item by item")
  func samePrint() throws {
    let plain = try Command.run(
      try command().filter { $0 != "--run" && $0 != folder.path("run") } + ["--json"])
    let run = try Command.run(try command("run", ["--json"]))
    #expect(plain.status == 3 && run.status == 3, "\(run.errors)")
    #expect(run.output == plain.output)
    #expect(run.errors.contains("cut.mp4") && run.errors.contains("none.mp4: cannot open"))
    #expect(run.errors.hasSuffix("--retry-failed\n"), "\(run.errors)")
    let answers = try #require(plain.json()["answers"] as? [[String: Any]])
    let lines = try merged().split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(lines.map { $0["reply"] as? String } == answers.map { $0["answer"] as? String })
    #expect(lines.map { $0["status"] as? String } == answers.map { $0["status"] as? String })
    #expect(lines.map { $0["ids"] as? [Int] } == answers.map { $0["ids"] as? [Int] })
    #expect((lines[0]["frames"] as? [Double])?.first == 0)
    #expect(FileManager.default.fileExists(atPath: folder.path("run/done/00000-of-00001")))
    // All is done: the same is printed at once, and nothing asked.
    let before = try keys()
    #expect(try Command.run(try command("run", ["--json"])).output == plain.output)
    #expect(try keys() == before && before.count == 8)
  }

  @Test("any number of shards gives the same results to the byte, also when it changes midway")
  func shards() throws {
    let expected = try wholeRun()
    for count in [1, 2, 3, 7] {
      for number in 0..<count where number != 1 {
        let outcome = try Command.run(try command("\(count)", ["--shard", "\(number)/\(count)"]))
        #expect([0, 3].contains(outcome.status), "\(outcome.errors)")
      }
      // Slurm's variables, for the rest.
      let rest = try Command.run(
        try command("\(count)", ["--shard", "auto"]),
        environment: [
          "SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_MIN": "0", "SLURM_ARRAY_TASK_MAX": "0",
          "SLURM_ARRAY_TASK_COUNT": "1", "SLURM_ARRAY_TASK_STEP": "1",
        ])
      #expect(rest.status == 3, "\(rest.errors)")
      #expect(try merged(["\(count)"]) == expected, "\(count)")
      let keys = try keys("\(count)")
      #expect(Set(keys).count == 8 && keys.count == 8, "\(count)")
    }
  }

  @Test(
    "killed at many moments, a run goes on, asks nothing twice and gives the same results",
    .enabled(if: Fault.library != nil, "needs a C compiler"))
  func kills() throws {
    let expected = try wholeRun()
    // Before a line, before it is durable, and before header and list are.
    let moments = (1...8).flatMap { [("pwrite", $0), ("fdatasync", $0)] } + (1...4).map { ("fsync", $0) }
    for (calls, number) in moments {
      let name = "\(calls)\(number)"
      let (outcome, happened) = try Fault(calls: calls, what: "signal \(SIGKILL)").run(
        try command(name), at: number)
      #expect(happened && outcome.status == 1000 + SIGKILL, "\(name): \(outcome.errors)")
      #expect(try Command.run(try command(name)).status == 3)
      #expect(try merged([name]) == expected, "\(name)")
      #expect(try keys(name).count == 8, "\(name)")
    }
  }

  @Test(
    "SIGTERM ends a run with 75, SIGINT with 130, and both keep what was finished",
    .enabled(if: Fault.library != nil, "needs a C compiler"))
  func signals() throws {
    let expected = try wholeRun()
    for (signal, status) in [(SIGTERM, Int32(75)), (SIGHUP, 75), (SIGINT, 130)] {
      let name = "signal\(signal)"
      let (outcome, happened) = try Fault(calls: "fdatasync", what: "signal \(signal)").run(
        try command(name), at: 2)
      #expect(happened && outcome.status == status, "\(outcome.errors)")
      #expect(outcome.errors.contains("6 left") && outcome.errors.contains("interrupted\n"))
      #expect(try keys(name).count == 2)
      #expect(try Command.run(try command(name)).status == 3)
      #expect(try merged([name]) == expected && (try keys(name).count) == 8)
    }
  }

  @Test(
    "a disk that is full or fails ends a run with 2, leaves no half line, and the run goes on",
    .enabled(if: Fault.library != nil, "needs a C compiler"))
  func fullDisk() throws {
    let expected = try wholeRun()
    for (calls, what) in [
      ("pwrite", "errno \(ENOSPC) on"), ("fdatasync", "errno \(EIO) on"), ("pwrite", "short"),
      ("fsync", "errno \(ENOSPC) on"), ("mkdir", "errno \(ENOSPC)"),
    ] {
      let name = "\(calls)-\(what.filter(\.isLetter))"
      let (outcome, happened) = try Fault(calls: calls, what: what).run(
        try command(name), at: calls == "mkdir" ? 1 : 2)
      #expect(happened && outcome.status == (what == "short" ? 3 : 2), "\(name): \(outcome.errors)")
      #expect(try Command.run(try command(name)).status == 3)
      #expect(try merged([name]) == expected && (try keys(name).count) == 8, "\(name)")
    }
  }

  @Test("a torn line is asked again, whatever is left of it")
  func torn() throws {
    let expected = try wholeRun()
    let part = try #require(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("whole/parts")).first)
    let path = folder.path("whole/parts/\(part)")
    let whole = try Data(contentsOf: URL(filePath: path))
    try whole.dropLast(9).write(to: URL(filePath: path))
    #expect(try Command.run(try command("whole")).status == 3)
    #expect(try merged(["whole"]) == expected && Set(try keys("whole")).count == 8)
  }

  @Test("another model, other questions or settings are refused with what differs; the run stays")
  func refused() throws {
    let whole = try wholeRun()
    for (options, name) in [
      (["--template", "vqa"], "--template"), (["--frames", "3"], "--frames"),
      (["--mode", "float32"], "--mode"), (["--tolerate-damage"], "--tolerate-damage"),
    ] {
      try expectRefusal(
        try command("whole", options), naming: folder.path("whole/header.json"),
        saying: "\(name): the run was begun otherwise", in: folder)
    }
    var other = try command("whole")
    other[1] = try SampleModel.float.get()
    try expectRefusal(other, naming: folder.path("whole/header.json"), saying: "model: ", in: folder)
    other[1] = try SampleModel.int4.get()
    other[5] = folder.path("nowhere")
    try expectRefusal(other, naming: folder.path("nowhere"), saying: "not one of the videos", in: folder)
    #expect(try merged(["whole"]) == whole)
    try expectRefusal(
      ["merge", folder.path("videos"), "-o", folder.path("out.jsonl")], naming: folder.path("videos"),
      saying: "the folder has no run", in: folder)
  }

  @Test(
    "a video that cannot be read for a reason of the system stops a run, and is not noted as failed",
    .enabled(if: Fault.library != nil, "needs a C compiler"))
  func unreadable() throws {
    let expected = try wholeRun()
    let (outcome, happened) = try Fault(calls: "pread", what: "errno \(EIO) on").run(
      try command("run"), at: 4)
    #expect(happened && outcome.status == 2, "\(outcome.errors)")
    #expect(outcome.errors.contains("the same command goes on"), "\(outcome.errors)")
    let parts = folder.path("run/parts")
    for name in try FileManager.default.contentsOfDirectory(atPath: parts) {
      #expect(try !String(contentsOfFile: "\(parts)/\(name)", encoding: .utf8).contains("failed"))
    }
    #expect(try Command.run(try command("run")).status == 3)
    #expect(try merged() == expected)
  }

  @Test("the guide's loop ends with a broken clip, and goes on after a stop")
  func loop() throws {
    let guide = try Documentation.page("GUIDE.md")
    let line = try #require(guide.firstMatch(of: /while (cogvlm eval .*?); (status=.*done)/))
    let words = try command().map { "'\($0)'" }.joined(separator: " ")
    let loop = "while cogvlm \(words); \(line.2)".replacing("sleep 60", with: "true")
    #expect(try Command.shell(loop + "; exit $status").status == 3)
    #expect(try keys().count == 8)
    let counting = loop.replacing("cogvlm \(words)", with: "[ -e \"$1\" ] || (: > \"$1\"; exit 75)")
    #expect(try Command.shell(counting + "; exit $status", [folder.path("mark")]).status == 0)
  }

  @Test("what failed is asked again only when that is wanted, and then the run is whole")
  func retry() throws {
    let before = try wholeRun()
    for name in ["cut.mp4", "none.mp4"] {
      try? FileManager.default.removeItem(atPath: "\(videos)/\(name)")
      try FileManager.default.copyItem(atPath: SampleModel.video("v22_h264.mp4"), toPath: "\(videos)/\(name)")
    }
    #expect(try Command.run(try command("whole")).status == 3)
    #expect(try merged(["whole"]) == before)
    let again = try Command.run(try command("whole", ["--retry-failed"]))
    #expect(again.status == 0 && again.errors == "", "\(again.errors)")
    #expect(try keys("whole").count == 10)
    let results = try merged(["whole"], status: 0)
    #expect(!results.contains("failed"))
  }

  @Test("folders of machines that share no disk are merged; what is missing is listed, and strict refuses it")
  func machines() throws {
    let expected = try wholeRun()
    for number in 0..<2 {
      try Command.run(
        try command("m\(number)", ["--shard", "auto/2"]),
        environment: ["PARALLEL_SEQ": "\(number + 1)"])
    }
    #expect(try merged(["m0", "m1"]) == expected)
    let output = folder.path("strict.jsonl")
    let strict = try Command.run(["merge", folder.path("m0"), "--strict", "-o", output])
    #expect(strict.status == 3 && strict.errors.contains("warning: missing: "), "\(strict.errors)")
    #expect(!FileManager.default.fileExists(atPath: output))
    // Another run is not merged with it.
    var other = try command("other")
    other[7] = "5"
    #expect(try Command.run(other).status == 3)
    try expectRefusal(
      ["merge", folder.path("m0"), folder.path("other"), "-o", output], naming: "other/header.json",
      saying: "--max-new-tokens", in: folder)
  }

  @Test("auto says which variable is wanted or wrong")
  func auto() throws {
    let array = [
      "SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_MIN": "7", "SLURM_ARRAY_TASK_MAX": "19",
      "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_TASK_STEP": "1",
    ]
    // One task that is submitted once more does not know of the others.
    var alone = array
    (alone["SLURM_ARRAY_TASK_MAX"], alone["SLURM_ARRAY_TASK_COUNT"]) = ("7", "1")
    for (shard, environment, words) in [
      ("auto", alone, "auto/8"),
      ("auto", [:], "SLURM_ARRAY_TASK"), ("auto", array, "auto/20"), ("auto/4", [:], "PARALLEL_SEQ"),
      ("auto/4", ["PARALLEL_SEQ": "5"], "expected 1 to 4"), ("auto/4", ["HQ_TASK_ID": "4"], "HQ_TASK_ID"),
      ("auto/4", ["JOB_COMPLETION_INDEX": "x"], "JOB_COMPLETION_INDEX"), ("auto/4", array, "expected 0 to 3"),
    ] {
      let outcome = try Command.run(try command("run", ["--shard", shard]), environment: environment)
      #expect(outcome.status == 2 && outcome.errors.contains(words), "\(shard): \(outcome.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
  }

  @Test("a plan has every shard, asks nothing and makes nothing; hours come with the first answers")
  func plan() throws {
    let plan = try Command.run(try command("run", ["--plan", "--shard", "0/2"]))
    #expect(plan.status == 0 && plan.errors == "", "\(plan.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
    func rows(_ outcome: Program.Outcome) -> [[String]] {
      outcome.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    }
    #expect(
      rows(plan).contains(["0/2", "6", "0", "6", "-"]) && rows(plan).contains(["all", "8", "0", "8", "-"]))
    #expect(try Command.run(try command("run", ["--limit", "1"])).status == 3)
    let after = try Command.run(try command("run", ["--plan"]))
    #expect(rows(after).contains(["0/1", "8", "1", "7", "0.00"]), "\(after.output)")
  }

  @Test("the second reader gives the same results", .enabled(if: Python.isThere, "needs python3"))
  func secondReader() throws {
    let expected = try wholeRun()
    let reader = Python.tools + "/read_run.py"
    let outcome = try Python.run([reader, folder.path("whole"), "--merge"])
    #expect(outcome.status == 3, "\(outcome.errors)")
    func objects(_ text: String) throws -> [NSDictionary] {
      try text.split(separator: "\n").map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? NSDictionary)
      }
    }
    #expect(try objects(outcome.output) == objects(expected))
    let header = folder.path("whole/header.json")
    try rewrite(header) { Data(String(decoding: $0, as: UTF8.self).replacing(": 4", with: ": 5").utf8) }
    #expect(try Python.run([reader, folder.path("whole")]).status == 2)
  }
}
