import ArgumentParser
import CogBase
import CogCompute
import CogEngine
import CogEvaluate
import CogMedia
import CogModel
import CogNative
import CogReport
import CogSources

/// `cogvlm caption`: a caption for each of many videos.
struct CaptionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "caption", abstract: "Describe many videos, each in a caption.",
    discussion: """
      Every caption is kept in the folder of the run as soon as it is there, and the same command goes on. \
      cogvlm merge --export writes captions as other programs read them.
      """)

  @OptionGroup var options: ModelOptions
  @OptionGroup var runOptions: RunOptions
  @OptionGroup var frameOptions: FrameOptions
  @OptionGroup var cacheOptions: CacheOptions

  @Argument(
    help: ArgumentHelp(
      "Videos, folders of videos, and lists: texts with a path on each line, CSV, JSON lines.",
      valueName: "path"),
    completion: .file())
  var paths: [String]

  @Option(help: ArgumentHelp("The column of a CSV, or the key of JSON lines, that has the videos."))
  var column: String?

  @Option(help: "What the model is asked; by default what the published caption script asks.")
  var prompt = PublishedCaptions.prompt

  @Option(help: "The most tokens of a caption; the model's context may end before.")
  var maxNewTokens = PublishedCaptions.maximumNewTokens

  @Option(help: "Prompt template; by default that of the published caption script.")
  var template = PromptTemplate.chat

  @Option(help: ArgumentHelp("A caption for each window of so many seconds.", valueName: "seconds"))
  var splitSeconds: Int?

  @Flag(help: "A caption for each second, of the frame that is closest to it.")
  var everySecond = false

  @OptionGroup var folderOptions: RunFolderOptions

  @Flag(help: "Print one JSON document.")
  var json = false

  private static let noun = "captions"

  func validate() throws {
    guard !paths.isEmpty else { throw ValidationError("A video, a folder or a list is missing.") }
    guard folderOptions.run != nil else {
      throw ValidationError("--run FOLDER is missing: captions are kept there.")
    }
    guard maxNewTokens > 0 else { throw ValidationError("--max-new-tokens must be above 0.") }
    guard splitSeconds.map({ (1...86_400).contains($0) }) ?? true else {
      throw ValidationError("--split-seconds must be from 1 to 86400.")
    }
    if let splitSeconds, let shown = sampling.shownSeconds, splitSeconds > shown {
      throw ValidationError(
        "--frames \(sampling.name) shows the first \(shown) seconds of a window: with --split-seconds above "
          + "\(shown) give --frames uniform:\(FrameSampling.publishedMaximum).")
    }
    guard splitSeconds == nil || !everySecond else {
      throw ValidationError("--split-seconds and --every-second exclude each other.")
    }
    guard !(folderOptions.plan && json) else { throw ValidationError("--plan does not go with --json.") }
  }

  private var pieces: CaptionPieces {
    everySecond ? .seconds : splitSeconds.map { .windows(seconds: $0) } ?? .whole
  }

  /// The rule that was asked for, or the template's.
  private var sampling: FrameSampling { frameOptions.frames ?? template.frameSampling }

  func run() throws {
    guard let run = folderOptions.run else { return }
    try prompt.requireText("--prompt")
    let options = try folderOptions.options(videos: nil)
    let deadline = folderOptions.deadline()
    let context = try runOptions.context(cancellation: deadline ?? SignalCancellation())
    let file = try self.options.open(context)
    let videos = try videos()
    let list = try list(of: videos, file, run, context)
    let share = try folderOptions.work(
      in: run, header(file, list), list, besides: [file.path] + videos.sources, options, noun: Self.noun
    ) {
      try requireAny(of: videos)
    } ask: { share, tell in
      try ContentCheck.checksums(of: file, context)
      let engine = try Engine(file: file, mode: self.options.mode, context: context)
      try share.run(
        engine: engine, template: template, profile: .plain, sampling: frameOptions.frames,
        options: AnswerOptions(maximumNewTokens: maxNewTokens), deadline: deadline,
        cache: cacheOptions.open(), videoPath: { videos.path(of: $0.video) ?? $0.video },
        openVideo: { try openVideo(of: $0, videos) }, failed: tell)
    }
    guard let share else { return }
    let report = CaptionReport(share)
    Terminal.print(json ? try JSONOutput.encode(report) : report.text)
    try folderOptions.finish(share, options.shard, noun: Self.noun)
  }

  private func videos() throws -> VideoList {
    for path in paths {
      try Input(path: path).refuseMislabeled(expected: "a video, a folder of videos, or a list of them")
    }
    return try VideoList(paths, column: column, cancellation: SignalCancellation())
  }

  /// What is to be captioned: where the run was begun before, its own list, so that no video has to be opened
  /// to know the pieces.
  private func list(
    of videos: VideoList, _ file: NativeFile, _ run: String, _ context: RunContext
  ) throws -> RunList {
    guard FileSystem.isThere(run.appendingPath("header.json")) else {
      return try RunList(captionsOf: videos, prompt: prompt, pieces: pieces, context: context) {
        try openVideo($0.path)
      }
    }
    let folder = try RunFolder(path: run)
    let list = try folder.list()
    try folder.header.requireSame(as: header(file, list), file: folder.headerPath)
    try list.require(videos, file: folder.itemsPath)
    return list
  }

  private func header(_ file: NativeFile, _ list: RunList) throws -> RunHeader {
    try RunHeader(
      job: RunList.captionJob,
      model: .init(
        name: file.path.lastPathName.shown, digest: file.digest, encodings: file.encodingCounts),
      prompt: .init(template: template.rawValue, profile: "plain", text: prompt),
      frames: sampling.name,
      settings: .init(
        mode: (options.mode ?? (file.isFloat ? .bfloat16 : .fast)).rawValue, maxNewTokens: maxNewTokens,
        toleratesDamage: frameOptions.tolerateDamage, pieces: pieces.name), list: list)
  }

  private func openVideo(_ path: String) throws -> VideoInput {
    try VideoInput.checked(path, toleratesDamage: frameOptions.tolerateDamage)
  }

  private func openVideo(of item: RunItem, _ videos: VideoList) throws -> VideoInput {
    guard let path = videos.path(of: item.video) else {
      throw CogError("the run has another video", subject: item.video, advice: "Name the videos as before.")
    }
    let video = try openVideo(path)
    guard pieces == .whole || item.bounds != nil else {
      _ = try video.open(cancellation: SignalCancellation())
      throw CogError(
        "the video could not be opened when the run was begun: its pieces are not known", file: path,
        advice: "Caption it in another run.")
    }
    return item.bounds.map(video.within) ?? video
  }

  /// Where not one of the videos is, the list belongs to another folder.
  private func requireAny(of videos: VideoList) throws {
    guard !videos.entries.contains(where: { FileSystem.isThere($0.path) }) else { return }
    throw CogError(
      "not one of the videos is there", code: .notFound, file: paths[0], expected: videos.entries[0].path,
      advice: "Paths in a list are taken from the list's folder.")
  }
}
