import ArgumentParser
import CogBase
import CogEngine
import CogEvaluate
import CogModel
import CogNative
import CogReport

extension EvalCommand {
  private static let noun = "questions"

  /// Asks the questions of this process's share of a run, and prints the share's result.
  func run(in path: String) throws {
    let set = try QuestionSet.opened(questions, videoFolder: videos)
    let videoNames = try naming(file: questions) {
      try selection.selection.takesAll ? nil : Set(selection.selection.videos(of: set))
    }
    let options = try folderOptions.options(videos: videoNames)
    let list = RunList(set)
    let deadline = folderOptions.deadline()
    let context = try runOptions.context(cancellation: deadline ?? SignalCancellation())
    let file = try self.options.open(context)
    let share = try folderOptions.work(
      in: path, header(file, list), list, besides: [file.path, questions, set.videoFolder], options,
      noun: Self.noun
    ) {
      try requireAnyVideo(of: set)
    } ask: { share, tell in
      try ContentCheck.checksums(of: file, context)
      let engine = try Engine(file: file, mode: self.options.mode, context: context)
      try share.run(
        engine: engine, template: template, sampling: frameOptions.frames,
        options: AnswerOptions(maximumNewTokens: maxNewTokens), deadline: deadline,
        cache: cacheOptions.open(),
        openVideo: { try openVideo(set.videoPath(of: $0.video)) }, failed: tell)
    }
    guard let share else { return }
    let result = EvaluationResult(share.items, share.records)
    Terminal.print(json ? try JSONOutput.encode(result) : result.text)
    try folderOptions.finish(share, options.shard, noun: Self.noun)
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
}
