import CogBase
import CogMedia

extension BenchmarkQuestions {
  /// MVBench in one of its layouts.
  ///
  /// - Parameters:
  ///   - path: the folder that has `json`, or `test.json`, or that file itself.
  ///   - videoFolder: the folder of the clips; nil takes `video` beside the questions.
  /// - Throws: `CogError` when there is no benchmark, a file of it is broken, or a name leads out of the
  ///   folder.
  package static func mvbench(path: String, videoFolder: String?) throws -> BenchmarkQuestions {
    try MVBenchReader(path: path, videoFolder: videoFolder).questions()
  }
}

/// Reads the lists of MVBench and finds out where its clips are.
private struct MVBenchReader {
  private let path: String
  private let clips: ClipFolder
  /// The list of all tasks; nil where each has its own below `json`.
  private let single: String?
  private var files: [String] = []
  private var items: [RunItem] = []
  private var notes: [String] = []
  private var copies = RunItem.Copies()

  init(path: String, videoFolder: String?) throws {
    let isFolder = FileSystem.status(of: path)?.isFolder ?? false
    self.path = path
    let folder = isFolder ? path : path.folderOfPath
    let beside = folder.appendingPath("video")
    clips = ClipFolder(searching: videoFolder ?? (FileSystem.isThere(beside) ? beside : folder))
    if !isFolder {
      single = path
    } else if FileSystem.isThere(path.appendingPath("json")) {
      single = nil
    } else {
      single = path.appendingPath("test.json")
      guard FileSystem.isThere(path.appendingPath("test.json")) else {
        throw CogError(
          "the folder has no MVBench", code: .notFound, file: path, expected: "a folder json, or test.json")
      }
    }
  }

  func questions() throws -> BenchmarkQuestions {
    var reader = self
    if let single { try reader.read(all: single) } else { try reader.readTasks() }
    guard !reader.items.isEmpty else { throw CogError("MVBench has no questions here", file: path) }
    return BenchmarkQuestions(
      .mvbench, RunList(reader.items), clips: clips, files: reader.files, notes: reader.notes)
  }

  // MARK: A list for each task

  private mutating func readTasks() throws {
    for task in MVBenchTask.all {
      let file = path.appendingPath("json").appendingPath(task.file)
      guard FileSystem.isThere(file) else {
        notes.append("\(task.name) is missing: there is no \(file)")
        continue
      }
      files.append(file)
      // Where the clips were cut already, their bounds would cut them again.
      let isCut = !clips.has(task.folder) && clips.has(task.cutFolder)
      let folder = isCut ? task.cutFolder : task.folder
      for entry in try BenchmarkFile.entries(BenchmarkFile.json(file), file) {
        try naming(file: file) {
          try add(
            entry, task: task.name, folder: folder, bounds: task.isBounded && !isCut ? entry.bounds() : nil,
            imagesPerSecond: isCut ? nil : task.imagesPerSecond)
        }
      }
      noteIfMissing(task.name, folder)
    }
  }

  // MARK: One list

  /// `{"root": {task: folder}, "meta": {task: [entry]}}`; all clips are cut.
  private mutating func read(all file: String) throws {
    files.append(file)
    let json = try BenchmarkFile.json(file)
    guard let tasks = json["meta"]?.members, json["root"]?.members != nil else {
      throw CogError(
        "the file is no list of MVBench", file: file, expected: "an object with root and meta",
        found: json.kind)
    }
    for task in tasks {
      guard let root = json["root"]?[task.key]?.text, let folder = Self.folder(root) else {
        throw CogError(
          "a task has no folder", file: file, subject: "root, \(task.key)",
          expected: "a name below the folder of the videos", found: json["root"]?[task.key]?.text)
      }
      for entry in try BenchmarkFile.entries(task.value, file, task.key) {
        try naming(file: file) {
          try add(entry, task: task.key, folder: folder, bounds: nil, imagesPerSecond: nil)
        }
      }
      noteIfMissing(task.key, folder)
    }
    let names = Set(tasks.map(\.key))
    notes += MVBenchTask.all.filter { !names.contains($0.name) }.map { "\($0.name) is missing in \(file)" }
  }

  /// A folder below that of the videos, whose own name may stand before it.
  private static func folder(_ root: String) -> String? {
    guard BenchmarkEntry.isInside(root) else { return nil }
    var names = root.split(separator: "/").filter { $0 != "." }
    if names.count > 1, names.first == "video" { names.removeFirst() }
    return names.joined(separator: "/")
  }

  // MARK: Both

  private mutating func add(
    _ entry: BenchmarkEntry, task: String, folder: String, bounds: ClipBounds?, imagesPerSecond: Double?
  ) throws {
    guard items.count < QuestionSet.mostQuestions else {
      throw CogError("there are too many questions", expected: "at most \(QuestionSet.mostQuestions)")
    }
    let (candidates, answer) = try entry.choice()
    let (video, question) = (try entry.name("video"), try entry.text("question"))
    items.append(
      copies.numbered {
        RunItem(
          dataset: "mvbench", video: folder.isEmpty ? video : folder.appendingPath(video), bounds: bounds,
          imagesPerSecond: imagesPerSecond, task: task, question: question, candidates: candidates,
          answer: answer, copy: $0)
      })
  }

  private mutating func noteIfMissing(_ task: String, _ folder: String) {
    guard !folder.isEmpty, !clips.has(folder) else { return }
    let count = items.count { $0.task == task }
    notes.append("\(task): there is no \(folder) in \(clips.path): \(count) questions will fail")
  }
}
