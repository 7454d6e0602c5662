import ArgumentParser
import CogBase
import CogEngine
import CogEvaluate
import CogMedia
import CogReport

/// Asking about a long video window by window.
struct SegmentOptions: ParsableArguments {
  @Option(
    defaultAsFlag: Segment.mostSeconds, parsing: .next,
    help: ArgumentHelp(
      "Ask about each window of so many seconds of a long video, at most 24.", valueName: "seconds"))
  var segments: Int?

  @Option(
    help: ArgumentHelp(
      "With --segments: write the answers as subtitles too, to a file that ends in .srt or .vtt.",
      valueName: "file"),
    completion: .file(extensions: ["srt", "vtt"]))
  var subtitles: String?

  @Flag(help: "With --segments: have the model put its answers together too, which is approximate.")
  var merge = false

  func validate() throws {
    guard let segments else {
      guard subtitles == nil, !merge else {
        throw ValidationError("--subtitles and --merge go with --segments.")
      }
      return
    }
    guard (1...Segment.mostSeconds).contains(segments) else {
      throw ValidationError("--segments must be from 1 to \(Segment.mostSeconds).")
    }
    guard subtitles.map({ Subtitles(path: $0) != nil }) ?? true else {
      throw ValidationError("--subtitles takes a name that ends in .srt or .vtt, got: \(subtitles ?? "")")
    }
  }

  /// Finds out before long work whether subtitles can be written.
  ///
  /// - Throws: ``CogError`` when they cannot, or would take the place of what is read.
  func requireOutput(besides inputs: [String]) throws {
    guard let subtitles else { return }
    // Removed with the object; what stands under the name stays.
    _ = try AtomicFile(path: subtitles, kind: Subtitles.outputKind, besides: inputs)
  }

  /// Writes the subtitles, if they are asked for.
  ///
  /// - Throws: ``CogError`` when the disk is full or fails.
  func write(_ segments: [Segment], merged: MergedAnswer?, besides inputs: [String]) throws {
    guard let subtitles, let form = Subtitles(path: subtitles) else { return }
    let file = try AtomicFile(path: subtitles, kind: Subtitles.outputKind, besides: inputs)
    try file.write(Array(form.text(segments, merged: merged).utf8))
    try file.commit()
  }
}

extension AskCommand {
  /// Asks the question about each window of the video.
  ///
  /// - Throws: ``CogError`` when the video does not open, the question does not fit, or no window has an
  ///   answer; `ExitCode` 3 when some have none; an interrupt, after what was answered was told.
  func ask(windowsOf seconds: Int, _ video: VideoInput, _ engine: Engine, _ options: AnswerOptions) throws {
    let source = try video.open(cancellation: engine.context.cancellation)
    let windows = try source.windows(ofSeconds: seconds)
    let rule = frameOptions.frames ?? (template ?? engine.configuration.template).frameSampling
    let merge =
      segmentOptions.merge
      ? SegmentMerge(engine, template: template, question: questions[0], options: options) : nil
    try merge?.requireRoom()
    // A first window that cannot be looked at is told when its turn comes.
    if let first = windows.first, let selection = try? source.select(rule, within: first) {
      try requireRoom(frameCount: selection.indices.count, engine)
    }
    var segments: [Segment] = []
    let outcome = Result {
      try ask(about: windows, of: video, engine, options, rule, into: &segments)
      return try merge?.merged(segments)
    }
    let failed = segments.count { $0.answer == nil }
    guard failed < segments.count else {
      _ = try outcome.get()
      return
    }
    // What was answered is told, whatever has ended the work.
    let merged = (try? outcome.get()) ?? nil
    try segmentOptions.write(segments, merged: merged, besides: inputs)
    if json {
      let report = SegmentsReport(
        segments, windowSeconds: seconds, question: questions[0], merged: merged, mode: engine.compute.mode)
      Terminal.print(try JSONOutput.encode(report))
    } else if let merged {
      Terminal.print("\n" + merged.line)
    }
    _ = try outcome.get()
    if failed > 0 { throw ExitCode(3) }
  }

  /// Asks about one window after another.
  ///
  /// - Throws: the error of the first window when none has an answer; an interrupt.
  private func ask(
    about windows: [ClipBounds], of video: VideoInput, _ engine: Engine, _ options: AnswerOptions,
    _ rule: FrameSampling, into segments: inout [Segment]
  ) throws {
    let cache = try cacheOptions.open()
    for window in windows {
      let segment = try segment(window, of: video, engine, cache, options, rule)
      if let error = segment.error {
        let place = "\(NumberText.clock(window.start)) to \(NumberText.clock(window.end))"
        Terminal.note("warning: \(place): \(error)".printable)
      }
      segments.append(segment)
      if !json { Terminal.print(segment.text) }
      if Terminal.readerHasGone { throw ExitCode.success }
    }
    if let first = segments.first?.error, segments.allSatisfy({ $0.answer == nil }) { throw first }
  }

  /// One window. What is wrong with it fails it alone.
  private func segment(
    _ window: ClipBounds, of video: VideoInput, _ engine: Engine, _ cache: FeatureCache?,
    _ options: AnswerOptions, _ rule: FrameSampling
  ) throws -> Segment {
    do {
      let features = try look(at: video.within(window), engine, cache: cache).features
      let conversation = Conversation(engine, about: features, template: template, history: try history())
      return Segment(
        window, try conversation.answer(questions[0], options: options), frames: features.frames,
        countsSeconds: rule == .chat)
    } catch let error as CogError {
      return Segment(window, failed: error)
    }
  }

  /// What is read.
  var inputs: [String] { [options.model] + (videoOptions.video.map { [$0] } ?? []) }
}
