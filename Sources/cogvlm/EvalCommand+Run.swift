import ArgumentParser
import CogBase
import CogCompute
import CogEngine
import CogEvaluate
import CogModel
import CogNative
import CogReport

extension EvalCommand {
  /// Asks the questions of this process's share of a run, and prints the share's result.
  func run(in path: String) throws {
    let set = try QuestionSet.opened(questions, videoFolder: videos)
    let videoNames = try naming(file: questions) {
      try selection.selection.takesAll ? nil : Set(selection.selection.videos(of: set))
    }
    let options = try folderOptions.options(videos: videoNames)
    let list = RunList(set)
    let deadline = folderOptions.timeout.map { ItemDeadline(seconds: $0, besides: SignalCancellation()) }
    let context = try runOptions.context(cancellation: deadline ?? SignalCancellation())
    let file = try self.options.open(context)
    let header = try header(file, list)
    let inputs = [file.path, questions, set.videoFolder]
    if folderOptions.plan {
      let lines = try RunFolder.begun(at: path, header, besides: inputs).map { try RunLines($0) }
      return Terminal.print(RunPlan(list, lines, options: options).text)
    }
    try requireAnyVideo(of: set)
    let folder = try RunFolder(path: path, header, list, besides: inputs)
    let lines = try RunLines(folder)
    for line in lines.damaged { Terminal.note("warning: \(line): damaged, it is left out".printable) }
    var share = ShardedRun(folder, list, lines, options: options)
    do {
      try ask(&share, set, file, context, deadline)
    } catch let interrupt as Interruption.Interrupted {
      noteRest(of: share, options.shard)
      if interrupt.isFromKeyboard { throw interrupt }
      Terminal.note("interrupted")
      // For schedulers: try again later.
      throw ExitCode(75)
    } catch let error as CogError {
      noteRest(of: share, options.shard)
      throw error
    }
    let result = try EvaluationResult(share.items, share.records, rule: .plain)
    Terminal.print(json ? try JSONOutput.encode(result) : result.text)
    guard share.missing == 0, share.failed == 0 else {
      noteRest(of: share, options.shard)
      throw ExitCode(3)
    }
  }

  private func header(_ file: NativeFile, _ list: RunList) throws -> RunHeader {
    let template = template ?? file.configuration.template
    return try RunHeader(
      job: "questions",
      model: .init(
        name: file.path.lastPathName.shown, digest: file.digest, encodings: file.encodingCounts),
      prompt: .init(template: template.rawValue, profile: "plain"),
      frames: (frameOptions.frames ?? template.frameSampling).name,
      settings: .init(
        mode: (options.mode ?? (file.isFloat ? .bfloat16 : .fast)).rawValue, maxNewTokens: maxNewTokens,
        toleratesDamage: frameOptions.tolerateDamage), list: list)
  }

  /// Where not one of the videos is, the folder is another one: that is no failure of thousands of clips.
  private func requireAnyVideo(of set: QuestionSet) throws {
    let videos = set.videos
    guard !videos.contains(where: { FileSystem.isThere(set.videoPath(of: $0)) }) else { return }
    throw CogError(
      "not one of the videos is there", code: .notFound, file: set.videoFolder, expected: videos[0],
      advice: "Give the folder of the videos with --videos.")
  }

  private func ask(
    _ share: inout ShardedRun, _ set: QuestionSet, _ file: NativeFile, _ context: RunContext,
    _ deadline: ItemDeadline?
  ) throws {
    // Told when no progress is drawn.
    var failures: [(video: String, error: String)] = []
    defer {
      for (_, error) in failures { Terminal.note("warning: failed: \(error)") }
    }
    guard !share.work.isEmpty else { return }
    try ContentCheck.checksums(of: file, context)
    let engine = try Engine(file: file, mode: options.mode, context: context)
    try share.run(
      engine: engine, template: template, sampling: frameOptions.frames,
      options: AnswerOptions(maximumNewTokens: maxNewTokens), deadline: deadline
    ) {
      try openVideo(set.videoPath(of: $0))
    } failed: { item, error in
      // All questions of a video that does not open fail for one reason.
      let failure = (item.video, error.description)
      if failures.last.map({ $0 != failure }) ?? true { failures.append(failure) }
    }
  }

  private func noteRest(of share: ShardedRun, _ shard: Shard) {
    let left = "\(share.missing) left, \(share.failed) failed"
    let retry = share.missing == 0 && share.failed > 0 && !folderOptions.retryFailed
    Terminal.note(
      "note: shard \(shard), \(share.items.count) questions: \(left); to go on: "
        + Arguments.asGiven + (retry ? " --retry-failed" : ""))
  }
}
