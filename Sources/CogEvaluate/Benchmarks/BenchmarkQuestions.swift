import CogBase
package import CogMedia

/// What a benchmark's files ask, as the list of a run, and where its clips are.
package struct BenchmarkQuestions: Sendable {
  /// The benchmark.
  package let benchmark: Benchmark
  /// All that is asked, in the order of the files.
  package let list: RunList
  /// What a user should know before hours pass, such as tasks that are missing.
  package let notes: [String]
  /// The folder of the clips.
  package let clips: ClipFolder
  /// The files and folders that are read.
  package var inputs: [String] { files + [clips.path] }
  private let files: [String]

  /// Questions of a benchmark.
  ///
  /// - Parameter files: what was read.
  init(_ benchmark: Benchmark, _ list: RunList, clips: ClipFolder, files: [String], notes: [String] = []) {
    (self.benchmark, self.list, self.clips) = (benchmark, list, clips)
    (self.files, self.notes) = (files, notes)
  }

  /// The questions of a file of the toolkit's own form.
  package init(_ set: QuestionSet, file: String) {
    self.init(.questions, RunList(set), clips: ClipFolder(path: set.videoFolder), files: [file])
  }

  /// What the model is shown of an item's video.
  ///
  /// - Parameter open: makes the video of a path.
  /// - Throws: what `open` throws.
  package func input(
    of item: RunItem, open: (_ path: String, _ imagesPerSecond: Double?) throws -> VideoInput
  ) throws -> VideoInput {
    try clips.input(of: item, open: open)
  }

  /// - Throws: `CogError` when not one of the clips is there: that is another folder, and no failure of
  ///   thousands of clips.
  package func requireAnyClip() throws {
    let videos = list.videos
    guard !videos.contains(where: { FileSystem.isThere(clips.path(of: $0)) }) else { return }
    throw CogError(
      "not one of the videos is there", code: .notFound, file: clips.path, expected: videos.first,
      advice: "Give the folder of the videos with --videos.")
  }
}

/// A folder of clips, some of which may lie in folders between, as archives that were unpacked into folders
/// of their own names leave them.
package struct ClipFolder: Sendable {
  /// The folder.
  package let path: String
  /// The folders in it where names are looked for too.
  private let between: [String]
  /// What may stand before and behind a name.
  private var affixes: [(String, String)] = []
  /// More folders than archives of any benchmark.
  private static let mostBetween = 64

  /// A folder whose clips lie where their names say.
  package init(path: String) { (self.path, between) = (path, []) }

  /// A folder in which each visible folder may be one between: `star/star/x.mp4` for `star/x.mp4`, and
  /// `data0613/star/x.mp4`, of the archive that MVBench was completed with.
  init(searching path: String) {
    self.path = path
    let names = (try? FolderListing.visibleNames(in: path)) ?? []
    between = names.sorted().filter {
      FileSystem.status(of: path.appendingPath($0))?.isFolder ?? false
    }.prefix(Self.mostBetween).map { path.appendingPath($0) }
  }

  /// A folder whose clips have names that lists give without their ending, and ActivityNet's also without
  /// `v_` before them.
  init(stems path: String) {
    (self.path, between) = (path, [])
    let endings = ["", ".mp4", ".mkv", ".webm", ".avi", ".gif", ".mov", ".MP4"]
    affixes = ["", "v_"].flatMap { before in endings.map { (before, $0) } }
  }

  /// A folder in which both are tried, whatever benchmark its clips are of.
  package init(anywhereIn path: String) {
    self.init(searching: path)
    affixes = ClipFolder(stems: path).affixes
  }

  /// Where something of that name lies; where it would lie if it is nowhere. Absolute names are what they
  /// say.
  package func path(of name: String) -> String {
    if name.isAbsolutePath { return name }
    let plain = path.appendingPath(name)
    guard !(between.isEmpty && affixes.isEmpty), !FileSystem.isThere(plain) else { return plain }
    let others =
      between.map { $0.appendingPath(name) }
      + affixes.map { plain.folderOfPath + $0.0 + plain.lastPathName + $0.1 }
    return others.first(where: FileSystem.isThere) ?? plain
  }

  /// What the model is shown of an item's video.
  ///
  /// - Parameter open: makes the video of a path.
  /// - Throws: what `open` throws.
  package func input(
    of item: RunItem, open: (_ path: String, _ imagesPerSecond: Double?) throws -> VideoInput
  ) rethrows -> VideoInput {
    let path = path(of: item.video)
    // A video is read as one also where the list speaks of a folder of images.
    let isFolder = FileSystem.status(of: path)?.isFolder ?? false
    let input = try open(path, isFolder ? item.imagesPerSecond : nil)
    return item.bounds.map(input.within) ?? input
  }

  /// Whether there is something of that name.
  func has(_ name: String) -> Bool { FileSystem.isThere(path(of: name)) }
}
