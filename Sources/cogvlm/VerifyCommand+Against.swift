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

  /// Compares with another native file, prints and writes the report, and tells whether it passed.
  func compare(
    _ file: NativeFile, with path: String, to output: ReportOutput, _ context: RunContext
  ) throws -> Bool {
    let other = try Input(path: path).nativeFile()
    try ContentCheck.checksums(of: other, context)
    let engine = try Engine(file: file, mode: options.mode, context: context)
    let reference = try Engine(file: other, mode: comparison.againstMode, context: context)
    let items = try comparison.items(video: videoOptions.video)
    let progress = context.progress.begin(
      "Comparing",
      total: ModelComparison.progressTotal(
        engine, videos: Set(items.compactMap(\.video)).count, questions: items.count))
    defer { progress.finish() }
    var run = try ModelComparison(
      engine: engine, reference: reference,
      tolerance: limits.tolerance(own: ModelComparison.profile(engine, reference)),
      maximumNewTokens: comparison.maxNewTokens ?? 64, template: comparison.template, progress: progress)
    var pictures: [[[UInt8]]] = []
    var current: (name: String, video: ModelComparison.Video)?
    for item in items {
      if item.video != current?.name {
        // Its features are not needed any more.
        current = nil
        if let name = item.video {
          let video = try VideoEncoder(reference).prepare(
            VideoInput.checked(item.path, imagesPerSecond: videoOptions.fps), template: comparison.template)
          current = (name, try run.encode(video, name: name))
          if output.wantsPage, pictures.count < Self.mostPicturedVideos {
            pictures.append(try video.pictures())
          }
        }
      }
      try run.ask(item.question, about: current?.video)
    }
    progress.finish()
    let weights = try TensorDiffPass.run(file, other, context)
    let report = run.report(model: options.model, against: path, weights: weights)
    try output.write {
      try ModelComparisonPage.page(report, pictures: pictures)
    } text: {
      try json ? JSONOutput.encode(report) : report.text
    }
    return report.passed
  }
}
