import CogBase

extension Benchmark {
  /// VideoChatGPT-Bench, which a language model judges: `score --export` writes what its scripts read.
  package static let vcg = Benchmark(
    name: "vcg", rule: .words, profile: "cogvlm2-vcg", maxNewTokens: 512,
    open: { try .vcg(path: $0, videoFolder: $1) })

  /// The lists of VideoChatGPT-Bench, which are its tasks too.
  static let vcgTasks = ["generic_qa", "temporal_qa", "consistency_qa"]
}

extension BenchmarkQuestions {
  /// `generic_qa.json` and `temporal_qa.json` with `video_name`, `Q` and `A`, and `consistency_qa.json` with
  /// `Q1` and `Q2`, whose two questions follow each other in the list of the run.
  ///
  /// - Parameters:
  ///   - path: the folder of the lists, some of which may be missing, or one of them.
  ///   - videoFolder: the folder of the videos; nil takes the one that is usual beside them.
  /// - Throws: `CogError` when no list is there, or one is broken.
  static func vcg(path: String, videoFolder: String?) throws -> BenchmarkQuestions {
    let isFolder = FileSystem.status(of: path)?.isFolder ?? false
    let folder = isFolder ? path : path.folderOfPath
    var (items, files, notes, copies): ([RunItem], [String], [String], RunItem.Copies) = ([], [], [], .init())
    for task in Benchmark.vcgTasks {
      let file = isFolder ? path.appendingPath("\(task).json") : path
      guard isFolder ? FileSystem.isThere(file) : path.lastPathName == "\(task).json" else {
        if isFolder { notes.append("\(task) is missing: there is no \(file)") }
        continue
      }
      files.append(file)
      for entry in try BenchmarkFile.entries(BenchmarkFile.json(file), file) {
        try naming(file: file) {
          let (video, answer) = (try entry.name("video_name"), try entry.text("A"))
          for key in task == "consistency_qa" ? ["Q1", "Q2"] : ["Q"] {
            let question = try entry.text(key)
            items.append(
              copies.numbered {
                RunItem(
                  dataset: "vcg", video: video, task: task, question: question, answer: answer, copy: $0)
              })
          }
        }
      }
    }
    guard !items.isEmpty else {
      throw CogError(
        "there is no list of VideoChatGPT-Bench", code: .notFound, file: path,
        expected: Benchmark.vcgTasks.map { "\($0).json" }.joined(separator: ", "))
    }
    let clips = ClipFolder(
      stems: videoFolder
        ?? usualFolder(in: folder, ["Videos/Benchmarking", "Videos", "Test_Videos", "videos"]))
    return BenchmarkQuestions(.vcg, RunList(items), clips: clips, files: files, notes: notes)
  }
}
