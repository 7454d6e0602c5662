import ArgumentParser
import CogBase
import CogEngine
import CogEvaluate
import CogMedia
import CogModel
import CogNative
import CogReport

extension EvalCommand {
  private static let noun = "questions"

  /// Asks the questions of this process's share of a run, and prints the share's result.
  func run(in path: String) throws {
    let asked = try benchmarkOptions.questions(questions, videoFolder: videos)
    let list = asked.list
    let videoNames = try naming(file: questions) {
      try selection.selection.takesAll ? nil : Set(selection.selection.videos(among: list.videos))
    }
    let options = try folderOptions.options(videos: videoNames)
    let profile = try benchmarkOptions.profile(for: list)
    let deadline = folderOptions.deadline()
    let context = try runOptions.context(cancellation: deadline ?? SignalCancellation())
    let file = try self.options.open(context)
    let header = try header(file, list, profile)
    for note in asked.notes { Terminal.note("note: \(note)".printable) }
    let share = try folderOptions.work(
      in: path, header, list, besides: [file.path] + asked.inputs, options, noun: Self.noun
    ) {
      try asked.requireAnyClip()
    } ask: { share, tell in
      try ContentCheck.checksums(of: file, context)
      let engine = try Engine(file: file, mode: self.options.mode, context: context)
      try share.run(
        engine: engine, template: template, profile: profile, sampling: sampling, options: answerOptions,
        deadline: deadline, cache: cacheOptions.open(), videoPath: { asked.clips.path(of: $0.video) },
        openVideo: { try input(of: $0, asked) }, failed: tell)
    }
    guard let share else { return }
    let result = try EvaluationResult(share.items, share.records, rule: asked.benchmark.rule)
    Terminal.print(json ? try JSONOutput.encode(result) : result.text)
    try folderOptions.finish(share, options.shard, noun: Self.noun)
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

  private func input(of item: RunItem, _ asked: BenchmarkQuestions) throws -> VideoInput {
    try asked.input(of: item) { path, rate in
      try VideoInput.checked(
        path, imagesPerSecond: rate, toleratesDamage: frameOptions.tolerateDamage)
    }
  }
}
