import CogBase
import CogEngine
import CogInspect
import CogNative
import CogReport
import CogVerify

extension VerifyCommand {
  /// Pictures of this many videos are kept for the report.
  private static let mostPicturedVideos = 4

  /// Compares with another native file, prints and writes the report, and tells whether it passed.
  func compare(_ file: NativeFile, with path: String) throws -> Bool {
    try Mislabeled.refuseAsModel(path)
    let other = try NativeFile(path: path)
    try ContentCheck.checksums(of: other)
    let engine = try Engine(file: file, mode: options.mode)
    let reference = try Engine(file: other, mode: comparison.againstMode)
    let items = try comparison.items(video: videoOptions.video)
    let progress = Progress(
      "Comparing",
      total: ModelComparison.progressTotal(
        engine, videos: Set(items.compactMap(\.video)).count, questions: items.count))
    defer { progress.finish() }
    var run = try ModelComparison(
      engine: engine, reference: reference,
      tolerance: limits.tolerance(own: ModelComparison.profile(engine, reference)),
      maximumNewTokens: comparison.maxNewTokens ?? 64, template: comparison.template, progress: progress)
    var pictures: [[[UInt8]]] = []
    var current: String?
    for item in items {
      if item.video == nil {
        run.lookAway()
      } else if item.video != current {
        let frames = try FrameChoice(path: item.path, imagesPerSecond: videoOptions.fps)
          .sample(template: comparison.template ?? reference.configuration.template)
        let seen = try SeenImages(frames, size: engine.configuration.vision.imageSize)
        try run.look(at: seen, of: item.video ?? item.path)
        if html != nil, pictures.count < Self.mostPicturedVideos { pictures.append(try seen.pictures()) }
      }
      current = item.video
      try run.ask(item.question)
    }
    progress.finish()
    let weights = try TensorDiffPass.run(a: options.model, b: path)
    let report = run.report(model: options.model, against: path, weights: weights)
    if let html { try ModelComparisonPage.page(report, pictures: pictures).write(to: html) }
    Terminal.print(json ? try JSONOutput.encode(report) : report.text)
    return report.passed
  }
}
