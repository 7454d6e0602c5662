import CogBase

extension Benchmark {
  /// Zero-shot question answering over videos: MSVD-QA, MSRVTT-QA, ActivityNet-QA and TGIF-QA in the form
  /// that Video-ChatGPT and PLLaVA read. Published scores are a language model's, for which `score --export`
  /// writes the replies.
  package static let videoQA = Benchmark(
    name: "videoqa", rule: .words, profile: "cogvlm2-videoqa", maxNewTokens: 64,
    open: { try .videoQA(path: $0, videoFolder: $1) })
}

extension BenchmarkQuestions {
  /// Two lists that belong together by position: `test_q.json` with `video_name`, `question` and
  /// `question_id`, and `test_a.json` with `answer` and `question_id`.
  ///
  /// - Parameters:
  ///   - path: the folder of the two, or the first one.
  ///   - videoFolder: the folder of the videos; nil takes the one that is usual beside them.
  /// - Throws: `CogError` when a list is missing or broken, or they do not belong together.
  static func videoQA(path: String, videoFolder: String?) throws -> BenchmarkQuestions {
    let isFolder = FileSystem.status(of: path)?.isFolder ?? false
    let folder = isFolder ? path : path.folderOfPath
    let questionFile = isFolder ? path.appendingPath("test_q.json") : path
    let answerFile = questionFile.folderOfPath.appendingPath(
      questionFile.lastPathName.replacing("_q.json", with: "_a.json"))
    guard answerFile != questionFile, FileSystem.isThere(answerFile) else {
      throw CogError(
        "the list of answers is missing", code: .notFound, file: questionFile,
        expected: "test_a.json beside test_q.json")
    }
    let questions = try BenchmarkFile.entries(BenchmarkFile.json(questionFile), questionFile)
    let answers = try BenchmarkFile.entries(BenchmarkFile.json(answerFile), answerFile)
    guard questions.count == answers.count, !questions.isEmpty else {
      throw CogError(
        "the lists of questions and answers do not belong together", file: answerFile,
        expected: "\(questions.count) answers", found: "\(answers.count)")
    }
    let task = taskName(of: folder)
    var copies = RunItem.Copies()
    let items = try zip(questions, answers).map { question, answer in
      let ids: String? = try naming(file: answerFile) {
        try answer.has("question_id") ? answer.text("question_id") : nil
      }
      let text = try naming(file: answerFile) { try answer.text("answer") }
      return try naming(file: questionFile) {
        if let ids, question.has("question_id"), try question.text("question_id") != ids {
          throw CogError(
            "a question and its answer have different numbers", subject: "question_id",
            expected: ids, found: try question.text("question_id"))
        }
        let (video, asked) = (try question.name("video_name"), try question.text("question"))
        return copies.numbered {
          RunItem(dataset: "videoqa", video: video, task: task, question: asked, answer: text, copy: $0)
        }
      }
    }
    let clips = ClipFolder(
      stems: videoFolder ?? usualFolder(in: folder, ["videos/all", "videos", "all_test", "tgif_videos"]))
    return BenchmarkQuestions(
      .videoQA, RunList(items), clips: clips, files: [questionFile, answerFile])
  }

  /// The first of some folders that is there; the last one but for that.
  static func usualFolder(in folder: String, _ names: [String]) -> String {
    let paths = names.map(folder.appendingPath)
    return paths.first { FileSystem.status(of: $0)?.isFolder ?? false } ?? paths.last ?? folder
  }

  /// What PLLaVA calls the set of a folder such as `MSVD_Zero_Shot_QA`.
  private static func taskName(of folder: String) -> String {
    let name = (FileSystem.realPath(folder) ?? folder).lastPathName
    let known = [
      ("msvd", "MSVD_QA"), ("msrvtt", "MSRVTT_QA"), ("activitynet", "ActivityNet"), ("tgif", "TGIF_QA"),
    ]
    return known.first { name.lowercased().hasPrefix($0.0) }?.1 ?? "VideoQA"
  }
}
