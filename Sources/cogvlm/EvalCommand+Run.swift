import ArgumentParser
import CogBase
import CogCompute
import CogEngine
import CogEvaluate
import CogMedia
import CogModel
import CogNative
import CogReport

extension EvalCommand {
  /// Asks the questions of this process's share of a run, and prints the share's result.
  func run(in path: String) throws {
    let asked = try benchmarkOptions.questions(questions, videoFolder: videos)
    let list = asked.list
    let videoNames = try naming(file: questions) {
      try selection.selection.takesAll ? nil : Set(selection.selection.videos(among: list.videos))
    }
    let options = try folderOptions.options(videos: videoNames)
    let profile = try benchmarkOptions.profile(for: list)
    let deadline = folderOptions.timeout.map { ItemDeadline(seconds: $0, besides: SignalCancellation()) }
    let context = try runOptions.context(cancellation: deadline ?? SignalCancellation())
    let file = try self.options.open(context)
    let header = try header(file, list, profile)
    let inputs = [file.path] + asked.inputs
    for note in asked.notes { Terminal.note("note: \(note)".printable) }
    if folderOptions.plan {
      let lines = try RunFolder.begun(at: path, header, besides: inputs).map { try RunLines($0) }
      return Terminal.print(RunPlan(list, lines, options: options).text)
    }
    try asked.requireAnyClip()
    let folder = try RunFolder(path: path, header, list, besides: inputs)
    let lines = try RunLines(folder)
    for line in lines.damaged { Terminal.note("warning: \(line): damaged, it is left out".printable) }
    var share = ShardedRun(folder, list, lines, options: options)
    do {
      try ask(&share, asked, profile, file, context, deadline)
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
    let result = try EvaluationResult(share.items, share.records, rule: asked.benchmark.rule)
    Terminal.print(json ? try JSONOutput.encode(result) : result.text)
    guard share.missing == 0, share.failed == 0 else {
      noteRest(of: share, options.shard)
      throw ExitCode(3)
    }
  }

  private func header(_ file: NativeFile, _ list: RunList, _ profile: PromptProfile) throws -> RunHeader {
    let template = template ?? file.configuration.template
    return try RunHeader(
      job: benchmarkOptions.benchmark.name,
      model: .init(
        name: file.path.lastPathName.shown, digest: file.digest, encodings: file.encodingCounts),
      prompt: .init(template: template.rawValue, profile: profile.identity),
      frames: (sampling ?? template.frameSampling).name,
      settings: .init(
        mode: (options.mode ?? (file.isFloat ? .bfloat16 : .fast)).rawValue,
        maxNewTokens: answerOptions.maximumNewTokens, toleratesDamage: frameOptions.tolerateDamage),
      list: list)
  }

  /// The rule that was asked for, or the benchmark's; nil takes the template's.
  private var sampling: FrameSampling? { frameOptions.frames ?? benchmarkOptions.benchmark.frames }

  private func ask(
    _ share: inout ShardedRun, _ asked: BenchmarkQuestions, _ profile: PromptProfile, _ file: NativeFile,
    _ context: RunContext, _ deadline: ItemDeadline?
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
      engine: engine, template: template, profile: profile, sampling: sampling, options: answerOptions,
      deadline: deadline
    ) { clip in
      try asked.input(of: clip) { path, rate in
        try VideoInput.checked(
          path, imagesPerSecond: rate, toleratesDamage: frameOptions.tolerateDamage)
      }
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
