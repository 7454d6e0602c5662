import CogBase
package import CogCompute
package import CogEngine
package import CogMedia
package import CogModel
import CogText

/// Shows a model the videos of a set, asks about each, and sums up what goes into its linear layers.
package struct CalibrationRun {
  /// How to run the model, and where to write.
  package struct Options: Sendable {
    /// The prompt template; nil takes the model's own.
    package var template: PromptTemplate?
    /// Which frames the model is shown; nil takes the template's.
    package var sampling: FrameSampling?
    /// Whether damaged pictures are shown.
    package var toleratesDamage = false
    /// Whether to go on where an earlier run was stopped.
    package var resumes = false
    /// Name and version of the program.
    package var tool: String
    /// Files that are read besides the model and the videos, such as the questions.
    package var inputs: [String] = []

    /// Settings that are the model's own, and begin anew.
    package init(tool: String) { self.tool = tool }
  }

  /// Thrown when a run is stopped and can go on: by an interrupt, or a disk that is full or fails.
  package struct Stopped: Error {
    /// What has stopped it.
    package let cause: any Error
    /// Where the unfinished work lies.
    package let part: String
    /// Videos that need not be looked at again, and all videos.
    package let finished: Int
    package let total: Int
  }

  /// A video of which there are no moments.
  package struct Failure: Equatable, Sendable, Codable {
    /// Its name in the set.
    package let video: String
    /// Why.
    package let error: String
  }

  private let engine: Engine
  private let collector: MomentCollector
  private let set: CalibrationSet
  private let options: Options
  private let openVideo: (String) throws -> VideoInput
  private var context: RunContext { engine.context }

  /// A run that has not begun.
  ///
  /// - Parameters:
  ///   - makeEngine: opens the model with an observer.
  ///   - openVideo: the video at a path.
  /// - Throws: what `makeEngine` throws.
  package init(
    _ set: CalibrationSet, options: Options, threads: ThreadPool,
    openVideo: @escaping (String) throws -> VideoInput,
    engine makeEngine: (any InputObserver) throws -> Engine
  ) throws {
    collector = MomentCollector(threads: threads)
    engine = try makeEngine(collector)
    (self.set, self.options, self.openVideo) = (set, options, openVideo)
  }

  /// Looks at every video and writes the file, which appears under its name when it is whole.
  ///
  /// Videos that cannot be opened, decoded or asked about are left out, and told.
  ///
  /// - Parameter failed: is told of each of them, of one that failed in an earlier run too.
  /// - Throws: `CogError` when not one video can be looked at; when an input of a layer is not finite;
  ///   when the output is one of the files that are read. ``Stopped`` when the work can go on later. When it
  ///   cannot go on because something is not as it was, the unfinished work is left as it is.
  package func run(
    to path: String, failed tell: (Failure) -> Void = { _ in }
  ) throws -> CalibrationSummary {
    let start = ContinuousClock.now
    let identity = try identity()
    let textBytes = set.clips.reduce(0) { $0 + 8 * $1.name.utf8.count } + 4 * identity.textBytes
    let work = try CalibrationPart(
      path: path, identity, clips: set.clips,
      capacity: engine.configuration.largestCalibration(textBytes: textBytes),
      besides: [engine.file.path] + options.inputs + set.clips.map(\.path), resuming: options.resumes)
    do {
      for clip in work.finished {
        if let error = clip.error { tell(Failure(video: clip.video, error: error)) }
      }
      let failures = try lookAtAll(work, identity, tell)
      guard let calibration = work.calibration else {
        throw CogError("not one of the videos could be looked at", found: failures.first?.error)
      }
      let bytes = try work.commit()
      return CalibrationSummary(
        calibration, output: path, bytes: bytes, failed: failures,
        seconds: (ContinuousClock.now - start).seconds)
    } catch {
      guard Self.canGoOn(after: error) else {
        work.part.abandon()
        throw error
      }
      work.part.keep()
      throw Stopped(
        cause: error, part: work.part.partPath, finished: work.finished.count, total: set.clips.count)
    }
  }

  /// Whether the same work may succeed later: not when the input is refused.
  private static func canGoOn(after error: any Error) -> Bool {
    guard let error = error as? CogError else { return true }
    return error.code == .diskFull || error.code == .system
  }

  private func identity() throws -> CalibrationIdentity {
    let progress = context.progress.begin("Reading the videos", total: set.clips.count)
    defer { progress.finish() }
    let template = options.template ?? engine.configuration.template
    return CalibrationIdentity(
      tool: options.tool, model: .init(engine.file),
      set: .init(
        digest: try set.digest(cancellation: context.cancellation, progress: progress),
        videos: set.clips.count, prompts: set.promptCount),
      settings: .init(
        mode: engine.compute.mode.rawValue, template: template.rawValue,
        frames: (options.sampling ?? template.frameSampling).name,
        toleratesDamage: options.toleratesDamage))
  }

  private func lookAtAll(
    _ work: CalibrationPart, _ identity: CalibrationIdentity, _ tell: (Failure) -> Void
  ) throws -> [Failure] {
    var failures = work.finished.compactMap { clip in
      clip.error.map { Failure(video: clip.video, error: $0) }
    }
    let errors = try openAll(from: work.finished.count, hasOthers: work.calibration != nil)
    for (place, error) in errors.sorted(by: { $0.key < $1.key }) {
      tell(Failure(video: set.clips[place].name.shown, error: error.description))
    }
    // Told when no progress is drawn.
    var later: [Failure] = []
    defer { later.forEach(tell) }
    let progress = context.progress.begin("Calibrating", total: set.clips.count)
    defer { progress.finish() }
    progress.advance(by: work.finished.count, "")
    for (place, clip) in set.clips.enumerated().dropFirst(work.finished.count) {
      try context.cancellation.check()
      var calibration = work.calibration
      var failure = errors[place]
      if failure == nil {
        do {
          let (table, counts) = try lookAt(clip)
          var all = calibration ?? Calibration(identity.fields, MomentTable())
          all.table.add(table)
          all.fields.counts.add(counts)
          calibration = all
        } catch let error as CogError where error.code != .notFinite {
          failure = error
        }
      }
      if let failure {
        failures.append(Failure(video: clip.name.shown, error: failure.description))
        if errors[place] == nil { later.append(failures[failures.count - 1]) }
      }
      calibration?.fields.failed = failures.map(\.video)
      try work.finish(clip, error: failure?.description, calibration)
      progress.advance(by: 1, clip.name)
    }
    return failures
  }

  /// Opens every video that is left and chooses its frames, without decoding any: what cannot be looked at is
  /// known before the first one is.
  ///
  /// - Parameter hasOthers: whether there are moments of videos already.
  /// - Throws: the error of the first video when there is none that could be looked at; an interrupt.
  private func openAll(from first: Int, hasOthers: Bool) throws -> [Int: CogError] {
    let encoder = VideoEncoder(engine)
    var errors: [Int: CogError] = [:]
    for (place, clip) in set.clips.enumerated().dropFirst(first) {
      try context.cancellation.check()
      do {
        _ = try encoder.select(
          openVideo(clip.path), template: options.template, sampling: options.sampling)
      } catch let error as CogError { errors[place] = error }
    }
    guard !hasOthers, errors.count == set.clips.count - first, let error = errors[first] else {
      return errors
    }
    throw error
  }

  // MARK: One video

  /// The moments of one video and its prompts.
  ///
  /// - Throws: `CogError` when it cannot be decoded or a prompt has no room; with the code `notFinite` when
  ///   an input of a layer is not finite; an interrupt.
  private func lookAt(
    _ clip: CalibrationSet.Clip
  ) throws -> (MomentTable, CalibrationFields.Counts) {
    let encoder = VideoEncoder(engine)
    let video = try encoder.prepare(
      openVideo(clip.path), template: options.template, sampling: options.sampling)
    let prompts = try clip.questions.map { question in
      let prompt = try engine.prompt(
        template: options.template, frameCount: video.frames.count, query: question)
      try prompt.requireRoom(inContext: engine.configuration.contextLength)
      return prompt
    }
    collector.begin()
    let features = try look(at: video, clip)
    var counts = try read(prompts, features, clip)
    (counts.videos, counts.prompts, counts.frames) = (1, prompts.count, video.frames.count)
    return (collector.table, counts)
  }

  private func look(at video: PreparedVideo, _ clip: CalibrationSet.Clip) throws -> FloatMatrix {
    let progress = context.progress.begin(
      "Looking at \(video.frames.count) frames", total: engine.vision.stages.count)
    defer { progress.finish() }
    collector.kinds = nil
    return try engine.vision.forward(video.images, progress: progress) { _ in try requireFinite(clip) }
  }

  /// Reads what all prompts begin with once, then the rest of each.
  private func read(
    _ prompts: [Prompt], _ features: FloatMatrix, _ clip: CalibrationSet.Clip
  ) throws -> CalibrationFields.Counts {
    let shared = Prompt.sharedCount(of: prompts)
    let cache = engine.language.makeCache(capacity: prompts.map(\.count).max() ?? 0)
    var counts = CalibrationFields.Counts()
    func read(_ prompt: Prompt, _ range: Range<Int>, endsPrompt: Bool) throws {
      let types = Array(prompt.tokenTypes[range])
      let image = types.count { $0 == 1 }
      // Features are those of the prompt's vision tokens, in order.
      let before = prompt.tokenTypes[..<range.lowerBound].count { $0 == 1 }
      let embeddings = try engine.language.embedding(
        ids: Array(prompt.ids[range]), tokenTypes: types,
        features: image == 0 ? nil : features.sharedRows(before..<before + image))
      collector.kinds = types.map { $0 == 1 ? .image : .text }
      counts.imageTokens += image
      counts.textTokens += types.count - image
      let progress = context.progress.begin("Reading the prompt", total: engine.language.stageCount)
      defer { progress.finish() }
      var pass = try engine.language.pass(
        embeddings, positions: Array(prompt.positions[range]), cache: cache, lastOnly: false,
        progress: progress)
      while let tap = try pass.advance() {
        try requireFinite(clip)
        // Nobody asks the head for a token within a prompt.
        if tap.point == .finalNorm, !endsPrompt { break }
      }
    }
    if shared > 0, let first = prompts.first { try read(first, 0..<shared, endsPrompt: false) }
    for prompt in prompts {
      cache.truncate(to: shared)
      try read(prompt, shared..<prompt.count, endsPrompt: true)
    }
    return counts
  }

  private func requireFinite(_ clip: CalibrationSet.Clip) throws {
    guard let found = collector.notFinite else { return }
    throw CogError(
      "an input of a layer is NaN or infinite", code: .notFinite, file: engine.file.path,
      subject: "\(found.name), channel \(found.channel)", expected: "finite values",
      found: "another one, in video \(clip.name.shown)",
      advice: "Check the weights with cogvlm inspect --check, or calibrate with --mode float32.")
  }
}

extension CalibrationIdentity {
  /// What the file says of the run.
  var fields: CalibrationFields {
    CalibrationFields(tool: tool, model: model, sets: [set], settings: settings)
  }

  /// Bytes of names and digests, about.
  var textBytes: Int {
    let sources = model.sources.reduce(0) { $0 + $1.name.utf8.count + 256 }
    return sources + model.name.utf8.count + tool.utf8.count + 2048
  }
}
