import CogBase

extension ExportForm {
  /// What Video-ChatGPT's `quantitative_evaluation` scripts are given as `--pred_path`: five files of
  /// VideoChatGPT-Bench, of which the generic questions give three, or one of zero-shot question answering.
  ///
  /// Source: Video-ChatGPT, `quantitative_evaluation/evaluate_benchmark.sh` and
  /// `evaluate_activitynet_qa.py`; its own inference writes other keys than that reads, so both are there.
  static let videoChatGPT = ExportForm(name: "videochatgpt", benchmarks: ["vcg", "videoqa"]) { run in
    // The scripts make a file of each name.
    if let item = run.results.first(where: { $0.item.video.contains("/") })?.item {
      throw CogError(
        "the name of a video has a slash, which Video-ChatGPT's scripts take for a folder", file: run.path,
        expected: "a name", found: item.video)
    }
    guard run.benchmark.name == "vcg" else {
      let answers = run.results.enumerated().map { place, result -> [String: String] in
        let (question, answer) = (result.item.question, result.item.answer ?? "")
        return [
          "video_name": result.item.video, "Q": question, "A": answer, "pred": result.said, "id": "\(place)",
          "question": question, "answer": answer,
        ]
      }
      return [ExportFile(path: "zero_shot_pred", text: try document(answers))]
    }
    let records = try VCGRecord.all(of: run)
    return try files.compactMap { name, task in
      let own = records.filter { $0.first.item.task == task }
      guard !own.isEmpty else { return nil }
      return ExportFile(path: name, text: try document(own.map(entry)))
    }
  }

  private static let files = [
    ("correctness_pred", "generic_qa"), ("detailed_orientation_pred", "generic_qa"),
    ("contextual_pred", "generic_qa"), ("temporal_understanding_pred", "temporal_qa"),
    ("consistency_pred", "consistency_qa"),
  ]

  /// With `Q` and `pred`, or with the two questions and replies of a pair.
  private static func entry(_ record: VCGRecord) -> [String: String] {
    var entry = ["video_name": record.first.item.video, "A": record.first.item.answer ?? ""]
    if let second = record.second {
      (entry["Q1"], entry["pred1"]) = (record.first.item.question, record.first.said)
      (entry["Q2"], entry["pred2"]) = (second.item.question, second.said)
    } else {
      (entry["Q"], entry["pred"]) = (record.first.item.question, record.first.said)
    }
    return entry
  }
}

/// A record of VideoChatGPT-Bench: a question, or two about the same.
struct VCGRecord {
  let first: RunResult
  /// Nil but for consistency.
  let second: RunResult?

  /// The records of a run, whose questions stand in the order of the lists.
  ///
  /// - Throws: `CogError` when one of a pair is not there.
  static func all(of run: RunResults) throws -> [VCGRecord] {
    var (records, waiting): ([VCGRecord], RunResult?) = ([], nil)
    for result in run.results {
      guard result.item.task == "consistency_qa" else {
        records.append(VCGRecord(first: result, second: nil))
        continue
      }
      if let first = waiting {
        guard first.item.video == result.item.video, first.item.answer == result.item.answer else { break }
        records.append(VCGRecord(first: first, second: result))
        waiting = nil
      } else {
        waiting = result
      }
    }
    guard let alone = waiting else { return records }
    throw CogError(
      "a question about consistency stands alone", file: run.path, subject: alone.item.key,
      expected: "two questions of a record", found: alone.item.summary)
  }
}
