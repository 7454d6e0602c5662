import CogBase
import CogEvaluate
import CogMedia
import CogTestSupport
import Foundation
import Testing

/// Exports, read back as the evaluation code that they are for reads them.
struct ExportTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Merged results of some items; a reply of nil has failed.
  private func results(_ entries: [(RunItem, String?)]) throws -> RunResults {
    let lines = try entries.map { item, reply in
      let encoded = try JSONEncoder().encode(item)
      var object = try #require(try JSONSerialization.jsonObject(with: encoded) as? [String: Any])
      object["status"] = reply == nil ? "failed" : "ok"
      object["reply"] = reply ?? NSNull()
      (object["ids"], object["frames"]) = ([Int](), [Double]())
      if reply == nil { object["error"] = "broken" }
      return String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self) + "\n"
    }
    let path = try folder.write(lines.joined().utf8, as: "results.jsonl")
    return try RunResults(path: path)
  }

  private func item(
    _ task: String, _ video: String, bounds: ClipBounds? = nil, candidates: [String] = ["x", "y"],
    answer: String = "x"
  ) -> RunItem {
    RunItem(
      dataset: "mvbench", video: video, bounds: bounds, task: task, question: "q of \(video)?",
      candidates: candidates, answer: answer)
  }

  private func export(_ form: String, _ run: RunResults, force: Bool = false) throws -> [String] {
    let files = try #require(ExportForm(named: form)).files(of: run)
    return try files.write(to: folder.path("out"), besides: run.files, force: force).map {
      URL(filePath: $0).lastPathComponent
    }
  }

  private func json(_ name: String) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(contentsOf: folder.url.appending(path: "out/\(name)")))
  }

  private let odd = ["it's", "a \\ \"b\"\tc\nd", "é😀"]

  private func mvbench(bounds: ClipBounds?) throws -> RunResults {
    try results([
      (item("Action Sequence", "star/Charades_v1_480/a.mp4", bounds: bounds), "(A) x"),
      (item("Action Sequence", "star/Charades_v1_480/b.mp4", bounds: bounds), nil),
      (item("Action Antonym", "ssv2_video/c.webm", candidates: odd, answer: odd[1]), "(B)\tand \"so\"\non"),
      (item("Action Antonym", "ssv2_video/d.webm"), ""),
    ])
  }

  @Test("PLLaVA: results that its script scores anew give the same counts; the leaderboard has percent")
  func pllavaMVBench() throws {
    let run = try mvbench(bounds: ClipBounds(start: 1.5, end: 3))
    #expect(try export("pllava", run) == ["all_results.json", "upload_leaderboard.json"])
    let document = try #require(try json("all_results.json") as? [String: Any])
    let list = try #require(document["result_list"] as? [[String: String]])
    // Its own rule on its own file.
    var counts: [String: [Int]] = [:]
    for entry in list {
      #expect(Set(entry.keys) == ["pred", "gt", "task_type", "video_path", "question"])
      let said = (entry["pred"] ?? "").lowercased().split(separator: " ", omittingEmptySubsequences: false)[0]
      let gold = (entry["gt"] ?? "").lowercased().split(separator: " ", omittingEmptySubsequences: false)[0]
      let isRight =
        said.contains { "abcdefg".contains($0) }
        && (gold.contains(said.filter { $0 != "." }) || said.contains(gold))
      let old = counts[entry["task_type"] ?? ""] ?? [0, 0]
      counts[entry["task_type"] ?? ""] = [old[0] + (isRight ? 1 : 0), old[1] + 1]
    }
    #expect(document["acc_dict"] as? [String: [Int]] == counts && counts["Action Sequence"] == [1, 2])
    #expect(list[0]["question"] == "Question: q of star/Charades_v1_480/a.mp4?\nOptions:\n(A) x\n(B) y")
    #expect(list[2]["gt"] == "(B) \(odd[1])" && list[1]["pred"] == "")
    let percent = try #require(try json("upload_leaderboard.json") as? [String: Double])
    #expect(percent["Action Sequence"] == 50 && percent["Avg"] == 50 && percent.count == 3)
  }

  @Test("VLMEvalKit: a table and JSON with all columns, options as Python, and no empty prediction")
  func vlmEvalKit() throws {
    let names = ["cogvlm_MVBench.tsv", "cogvlm_MVBench.json"]
    #expect(try export("vlmevalkit", mvbench(bounds: ClipBounds(start: 1.5, end: 3))) == names)
    let rows = try #require(try json(names[1]) as? [[String: Any]])
    #expect(rows.map { $0["index"] as? Int } == [0, 1, 2, 3])
    #expect(
      rows[0]["prefix"] as? String == "video/star/Charades_v1_480/" && rows[0]["video"] as? String == "a.mp4")
    #expect(
      rows[0]["bound"] as? Bool == true && rows[0]["start"] as? Double == 1.5
        && rows[2]["bound"] as? Bool == false)
    let marker = "Failed to obtain answer via API."
    #expect(rows.map { $0["prediction"] as? String } == ["(A) x", marker, "(B)\tand \"so\"\non", marker])
    guard Python.isThere else { return }
    let script = """
      import ast, csv, json, sys
      rows = list(csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8"), delimiter="\\t"))
      names = "task_type prefix data_type bound start end video question answer candidates index prediction"
      assert list(rows[0]) == names.split(), list(rows[0])
      read = [[ast.literal_eval(row["candidates"]), row["answer"], row["prediction"]] for row in rows]
      print(json.dumps(read))
      """
    let outcome = try Python.run(["-c", script, folder.path("out/\(names[0])")])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let read = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[Any]])
    #expect(read[2][0] as? [String] == odd && read[2][1] as? String == odd[1])
    #expect(read.map { $0[2] as? String } == rows.map { $0["prediction"] as? String })
  }

  @Test("VLMEvalKit: clips that are cut already are another set, without bounds")
  func vlmEvalKitCut() throws {
    #expect(try export("vlmevalkit", mvbench(bounds: nil))[0] == "cogvlm_MVBench_MP4.tsv")
    let rows = try #require(try json("cogvlm_MVBench_MP4.json") as? [[String: Any]])
    #expect(
      Set(rows[0].keys) == [
        "task_type", "prefix", "video", "question", "answer", "candidates", "index", "prediction",
      ])
  }

  private func vcg() throws -> RunResults {
    func item(_ task: String, _ question: String) -> RunItem {
      RunItem(dataset: "vcg", video: "v_1", task: task, question: question, answer: "gold")
    }
    return try results([
      (item("generic_qa", "a"), "1"), (item("temporal_qa", "b"), nil), (item("consistency_qa", "c"), "3"),
      (item("consistency_qa", "d"), "4"),
    ])
  }

  @Test("Video-ChatGPT: five files, each with the keys that its script reads")
  func videoChatGPT() throws {
    let names = [
      "correctness_pred", "detailed_orientation_pred", "contextual_pred", "temporal_understanding_pred",
      "consistency_pred",
    ]
    #expect(try export("videochatgpt", vcg()) == names)
    for name in names.prefix(3) {
      #expect(
        try json(name) as? [[String: String]] == [["video_name": "v_1", "Q": "a", "A": "gold", "pred": "1"]])
    }
    #expect(try (json(names[3]) as? [[String: String]])?.first?["pred"] == "")
    #expect(
      try json(names[4]) as? [[String: String]] == [
        ["video_name": "v_1", "Q1": "c", "Q2": "d", "A": "gold", "pred1": "3", "pred2": "4"]
      ])
  }

  @Test("PLLaVA: of a pair each question belongs to its own reply")
  func pllavaVCG() throws {
    #expect(try export("pllava", vcg()) == ["inference_results.json"])
    let list = try #require(try json("inference_results.json") as? [[String: String]])
    #expect(list.count == 3 && list[0]["video_path"] == "v_1" && list[0]["task_type"] == "generic_qa")
    #expect(
      list[2] == [
        "pred": "3", "pred1": "4", "gt": "gold", "video": "v_1", "task_type": "consistency_qa",
        "question": "c",
        "question1": "d",
      ])
  }

  @Test("zero-shot answers have the keys of both of Video-ChatGPT's scripts, and PLLaVA's")
  func videoQA() throws {
    let run = try results([
      (RunItem(dataset: "videoqa", video: "a", task: "MSVD_QA", question: "who?", answer: "man"), "a man")
    ])
    #expect(try export("videochatgpt", run) == ["zero_shot_pred"])
    let entry = try #require(try (json("zero_shot_pred") as? [[String: String]])?.first)
    for (key, value) in [
      "video_name": "a", "Q": "who?", "A": "man", "pred": "a man", "id": "0", "question": "who?",
      "answer": "man",
    ] {
      #expect(entry[key] == value)
    }
    _ = try export("pllava", run)
    #expect(
      try json("inference_results.json") as? [[String: String]] == [
        ["pred": "a man", "gt": "man", "task_type": "MSVD_QA", "question": "who?", "video_path": "a"]
      ])
  }

  @Test("results of other programs that have the names are written over only when that is wanted")
  func others() throws {
    let run = try mvbench(bounds: nil)
    let out = folder.url.appending(path: "out")
    try FileManager.default.createDirectory(at: out, withIntermediateDirectories: false)
    let theirs = Data("theirs".utf8)
    try theirs.write(to: out.appending(path: "upload_leaderboard.json"))
    let error = #expect(throws: CogError.self) { try export("pllava", run) }
    #expect(error?.advice?.contains("--force") == true)
    // Not even the file before it.
    #expect(try FileManager.default.contentsOfDirectory(atPath: out.path) == ["upload_leaderboard.json"])
    #expect(try Data(contentsOf: out.appending(path: "upload_leaderboard.json")) == theirs)
    #expect(try export("pllava", run, force: true).count == 2)
    // The same files once more are no others.
    #expect(try export("pllava", run).count == 2)
  }

  @Test("what a form cannot hold is refused, and nothing is written")
  func refused() throws {
    let slash = try results([
      (RunItem(dataset: "videoqa", video: "a/b", task: "t", question: "q", answer: "x"), "y")
    ])
    #expect(throws: CogError.self) { try export("videochatgpt", slash) }
    #expect(throws: CogError.self) { try export("vlmevalkit", slash) }
    let alone = try results([
      (RunItem(dataset: "vcg", video: "a", task: "consistency_qa", question: "q", answer: "x"), "y")
    ])
    #expect(throws: CogError.self) { try export("videochatgpt", alone) }
    #expect(try folder.contents() == ["results.jsonl"])
  }
}
