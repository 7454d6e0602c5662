extension ExportForm {
  /// What PLLaVA's scripts find in their `save_path`, so that they score or judge in place of asking:
  /// `all_results.json` and `upload_leaderboard.json` of MVBench, `inference_results.json` of the others.
  ///
  /// Source: PLLaVA, `tasks/eval/mvbench`, `tasks/eval/videoqabench`, `tasks/eval/vcgbench`.
  static let pllava = ExportForm(name: "pllava", benchmarks: ["mvbench", "videoqa", "vcg"]) { run in
    switch run.benchmark.name {
    case "mvbench": return try mvbench(run)
    case "videoqa":
      let items = run.results.map { result in
        [
          "pred": result.said, "gt": result.item.answer ?? "", "task_type": result.item.task ?? "",
          "question": result.item.question, "video_path": result.item.video,
        ]
      }
      return [ExportFile(path: "inference_results.json", text: try document(items))]
    default: return [ExportFile(path: "inference_results.json", text: try document(vcg(run)))]
    }
  }

  private struct Results: Encodable {
    let counts: [String: [Int]]
    let results: [[String: String]]

    enum CodingKeys: String, CodingKey {
      case counts = "acc_dict"
      case results = "result_list"
    }
  }

  private static func mvbench(_ run: RunResults) throws -> [ExportFile] {
    let report = try ScoreReport(run, rule: .pllava)
    let asked = report.tasks.filter { $0.count.questions > 0 }
    let answers = run.results.map { result -> [String: String] in
      let (item, options) = (result.item, result.item.candidates ?? [])
      let listed = options.indices.map { OptionLetter.labeled(options, $0) }.joined(separator: "\n")
      let truth = OptionLetter.place(of: item.answer ?? "", in: options)
      return [
        "pred": result.said, "gt": truth.map { OptionLetter.labeled(options, $0) } ?? "",
        "task_type": item.task ?? "", "question": "Question: \(item.question)\nOptions:\n\(listed)",
        "video_path": item.video,
      ]
    }
    let counts = asked.map { ($0.name, [$0.count.correct, $0.count.questions]) }
    var percent = Dictionary(
      asked.map { ($0.name, 100 * ($0.count.accuracy ?? 0)) }, uniquingKeysWith: { first, _ in first })
    percent["Avg"] = 100 * (report.total.accuracy ?? 0)
    return [
      ExportFile(
        path: "all_results.json",
        text: try document(
          Results(counts: Dictionary(counts) { first, _ in first }, results: answers))),
      ExportFile(path: "upload_leaderboard.json", text: try document(percent)),
    ]
  }

  /// One entry for each pair of questions about consistency. Unlike in PLLaVA's own files, `question` belongs
  /// to `pred`, and `question1` to `pred1`.
  private static func vcg(_ run: RunResults) throws -> [[String: String]] {
    try VCGRecord.all(of: run).map { record in
      var entry = [
        "pred": record.first.said, "gt": record.first.item.answer ?? "",
        "task_type": record.first.item.task ?? "", "question": record.first.item.question,
      ]
      if let second = record.second {
        (entry["pred1"], entry["question1"]) = (second.said, second.item.question)
        entry["video"] = record.first.item.video
      } else {
        entry["video_path"] = record.first.item.video
      }
      return entry
    }
  }
}

extension RunResult {
  /// The reply; empty where there is none, which no judge credits.
  var said: String { reply ?? "" }
}
