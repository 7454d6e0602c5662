import ArgumentParser
import CogBase
import CogCompute
import CogEngine
import CogInspect
import CogMedia
import CogNative
import CogReport
import CogSources
import CogVerify

extension VerifyCommand {
  /// Pictures of this many videos are kept for the report.
  private static let mostPicturedVideos = 4

  /// Compares with another native file, prints and writes the report.
  ///
  /// - Throws: `ExitCode` 1 when what was compared did not pass, 3 when a question could not be asked;
  ///   ``Interruption/Interrupted`` after what was compared until then was printed.
  func compare(
    _ file: NativeFile, with path: String, to output: ReportOutput, _ context: RunContext
  ) throws {
    let other = try Input(path: path).nativeFile()
    try ContentCheck.checksums(of: other, context)
    let engine = try Engine(file: file, mode: options.mode, context: context)
    let reference = try Engine(file: other, mode: comparison.againstMode, context: context)
    let items = try comparison.items(video: videoOptions.video)
    let encoder = VideoEncoder(reference)
    let failedVideos = try failedVideos(of: items, encoder, context)
    // The weights come first: a report over the questions until an interrupt needs them.
    let weights = try TensorDiffPass.run(file, other, context)
    let asked = items.filter { $0.video.map { failedVideos[$0] == nil } ?? true }
    let progress = context.progress.begin(
      "Comparing",
      total: ModelComparison.progressTotal(
        engine, videos: asked.count { $0.video != nil },
        questions: asked.reduce(0) { $0 + $1.questions.count }))
    defer { progress.finish() }
    var run = try ModelComparison(
      engine: engine, reference: reference,
      tolerance: limits.tolerance(own: ModelComparison.profile(engine, reference)),
      maximumNewTokens: comparison.maxNewTokens ?? 64, template: comparison.template, progress: progress)
    var pictures: [[[UInt8]]] = []
    var interrupt: Interruption.Interrupted?
    do {
      try ask(items, encoder, failedVideos, &run, picturesOf: output.wantsPage, &pictures)
    } catch let error as Interruption.Interrupted {
      if run.questionCount == 0 { throw error }
      interrupt = error
    }
    progress.finish()
    let report = run.report(model: options.model, against: path, weights: weights)
    try output.write {
      try ModelComparisonPage.page(report, pictures: pictures)
    } text: {
      try json ? JSONOutput.encode(report) : report.text
    }
    try finish(interrupt, passed: report.comparedPassed, isComplete: report.failed.isEmpty)
  }

  /// The video of an item. - Throws: ``CogError`` when the path is plainly something else.
  private func input(of item: ModelComparisonOptions.Item) throws -> VideoInput {
    try VideoInput.checked(
      item.path, imagesPerSecond: videoOptions.fps, toleratesDamage: frameOptions.tolerateDamage)
  }

  /// The videos of a question file that are missing or cannot be opened; each is told at once. The video of
  /// `--ask` is the only one: without it there is nothing to do.
  private func failedVideos(
    of items: [ModelComparisonOptions.Item], _ encoder: VideoEncoder, _ context: RunContext
  ) throws -> [String: CogError] {
    guard comparison.questions != nil else { return [:] }
    var errors: [String: CogError] = [:]
    for item in items {
      guard let name = item.video else { continue }
      try context.cancellation.check()
      do {
        _ = try encoder.select(
          input(of: item), template: comparison.template, sampling: frameOptions.frames)
      } catch let error as CogError {
        errors[name] = error
      }
    }
    if errors.count == items.count, let error = items.first?.video.flatMap({ errors[$0] }) { throw error }
    for item in items.sorted(by: { $0.video ?? "" < $1.video ?? "" }) {
      guard let error = item.video.flatMap({ errors[$0] }) else { continue }
      Terminal.note("warning: failed questions: \(item.questions.count): \(error)")
    }
    return errors
  }

  /// Asks both models one question after another. An interrupt leaves `run` as it was after the last whole
  /// question.
  ///
  /// - Throws: ``CogError`` when not one question could be asked; an interrupt.
  private func ask(
    _ items: [ModelComparisonOptions.Item], _ encoder: VideoEncoder, _ failedVideos: [String: CogError],
    _ run: inout ModelComparison, picturesOf wantsPage: Bool, _ pictures: inout [[[UInt8]]]
  ) throws {
    var firstFailure: CogError?
    for item in items {
      // Counted when the video's first question has its answers.
      var next = run
      var clip: ModelComparison.Video?
      var failure = item.video.flatMap { failedVideos[$0] }
      if let name = item.video, failure == nil {
        do {
          let video = try encoder.prepare(
            input(of: item), template: comparison.template, sampling: frameOptions.frames)
          Terminal.noteDamage(in: item.path, video.frames)
          clip = try next.encode(video, name: name)
          if wantsPage, pictures.count < Self.mostPicturedVideos { pictures.append(try video.pictures()) }
        } catch let error as CogError where comparison.questions != nil { failure = error }
      }
      var comparesLayers = true
      for (place, asked) in item.questions.enumerated() {
        let failure = try failure ?? ask(item, place, about: clip, &next, &comparesLayers)
        if let failure, let name = item.video {
          next.fail(asked.question, about: name, failure)
          firstFailure = firstFailure ?? failure
        }
        run = next
      }
    }
    if run.questionCount == 0, let firstFailure { throw firstFailure }
  }

  /// Asks both models one of the questions about a video. Over every question, layers are compared until one
  /// has its answers.
  ///
  /// - Returns: why a question of a file cannot be asked, such as that it is too long; nil when it was.
  /// - Throws: ``CogError`` when that of `--ask` cannot; an interrupt.
  private func ask(
    _ item: ModelComparisonOptions.Item, _ place: Int, about clip: ModelComparison.Video?,
    _ run: inout ModelComparison, _ comparesLayers: inout Bool
  ) throws -> CogError? {
    let asked = item.questions[place]
    var next = run
    do {
      if let clip, !comparesLayers {
        try next.askAgain(asked.question, task: asked.task, about: clip)
      } else {
        try next.ask(asked.question, task: asked.task, about: clip)
      }
    } catch let error as CogError {
      guard let file = comparison.questions else { throw error }
      var failure = error.inFile(file)
      failure.subject = failure.subject ?? "\(item.video ?? ""), question \(place + 1)"
      Terminal.note("warning: failed question: \(failure)")
      return failure
    }
    run = next
    comparesLayers = !comparison.everyQuestion
    return nil
  }
}
