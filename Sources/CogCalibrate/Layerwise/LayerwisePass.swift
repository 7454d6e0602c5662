import CogBase
package import CogCompute
import CogEngine
package import CogModel
package import CogQuantize

/// Runs a model over all prompts of a calibration set stage by stage, straight from a checkpoint: all prompts
/// go through a stage before the next one begins, so that a stage's weights are at hand once, and what goes
/// into its layers can be used before the next stage is looked at. What the prompts of a video begin with,
/// its frames above all, is read once.
///
/// What videos and their prompts are between two stages lies in files of a folder; one video's is in memory
/// at a time. The files of the last stages are kept, so that work that was stopped goes on there. Everything
/// is float32.
package final class LayerwisePass {
  /// Shown what goes into a layer: the input, the weight's name, and for each of its rows whether it is a
  /// token of an image.
  package typealias Observe = (_ input: FloatMatrix, _ name: String, _ isImage: [Bool]) throws -> Void

  private let prompts: CalibrationPrompts
  private let vision: VisionTower
  private let language: LanguageModel
  private let relay = ObserverRelay()
  private let folder: ScratchFolder
  private let context: RunContext
  private let points: [TapPoint]
  /// Stages of the vision tower; those of the language model follow.
  private let visionCount: Int
  /// What goes into the stage of this number.
  private var input: (stage: Int, file: ActivationFile)
  /// What comes out of it, once it has run.
  private var output: ActivationFile?

  /// A pass that has not begun: videos are decoded, nothing has run.
  ///
  /// - Parameters:
  ///   - source: float tensors.
  ///   - folder: where activations are kept.
  ///   - resumes: whether those of an earlier run are used, as far as they are of the same prompts.
  /// - Throws: `CogError` when the model lacks a tensor, its tokenizer is damaged, no video can be decoded, a
  ///   prompt does not fit the model's context, or the folder cannot be written; what the context's
  ///   cancellation throws.
  package init(
    source: ModelSource, set: CalibrationSet, settings: CalibrationPrompts.Settings, folder: String,
    resumes: Bool, context: RunContext
  ) throws {
    let compute = Compute(
      mode: .float32, kernels: context.kernels, threads: context.threads, isReproducible: true)
    let weights = WeightBinder(
      source.tensors, configuration: source.configuration, compute: compute, observer: relay)
    vision = try VisionTower(weights, context: context)
    language = try LanguageModel(weights, context: context)
    points = TapPoint.all(source.configuration)
    visionCount = points.count(where: \.isVision)
    self.context = context
    let scratch = try ScratchFolder(folder, isContinued: resumes)
    self.folder = scratch
    do {
      let images = try scratch.create(.stage(0))
      prompts = try CalibrationPrompts(
        source: source, set: set, settings: settings, images: images, context: context)
      try images.finish(identity: prompts.identity)
      input = (0, images)
    } catch {
      if !resumes { scratch.remove() }
      throw error
    }
  }

  /// What identifies the set and how prompts are made of it, by name, for a file's metadata.
  package var record: [String: String] { prompts.record }
  /// What a person should know about the set, one sentence each.
  package var remarks: [String] { prompts.remarks }
  /// Runs the stage of a point over all videos and their prompts and shows what goes into its layers. Stages
  /// are run in their order, each as often as needed.
  ///
  /// - Throws: `CogError` when the disk is full or fails; what `observe` and the context's cancellation
  ///   throw.
  package func run(_ point: TapPoint, observe: @escaping Observe) throws {
    guard let stage = points.firstIndex(of: point) else { return }
    try advance(to: stage)
    try runStage(observe)
  }

  /// Removes all files.
  package func end() { folder.remove() }

  /// Makes what goes into a stage.
  private func advance(to stage: Int) throws {
    if let found = folder.latest(above: input.stage, upTo: stage, identity: prompts.identity) {
      (input, output) = (found, nil)
    }
    guard input.stage <= stage else {
      throw CogError("a stage of the calibration was passed already", subject: points[stage].name)
    }
    while input.stage < stage {
      if output == nil { try runStage(nil) }
      guard let made = output else { return }
      let next = input.stage + 1
      let file = next == visionCount ? try embed(features: made) : made
      folder.removeStages(before: input.stage)
      (input, output) = ((next, file), nil)
    }
  }

  /// Runs the stage whose input there is over all items; its output is written the first time.
  private func runStage(_ observe: Observe?) throws {
    let stage = input.stage
    let isLastOfVision = stage + 1 == visionCount
    let file = output == nil ? try folder.create(isLastOfVision ? .features : .stage(stage + 1)) : nil
    let progress = context.progress.begin("calibrating", total: input.file.items.count)
    defer { progress.finish() }
    for number in input.file.items.indices {
      try context.cancellation.check()
      let rows = try input.file.read(number)
      let value = try relay.observing(observe, isImage: prompts.isImage(at: points[stage], number)) {
        module(stage, number).runIsolated(rows)
      }
      try file?.append(value)
      progress.advance(by: 1, points[stage].name)
    }
    guard let file else { return }
    try file.finish(identity: prompts.identity)
    output = file
  }

  private func module(_ stage: Int, _ number: Int) -> Stage {
    guard stage >= visionCount else { return vision.stages[stage] }
    let video = prompts.videos[number]
    return language.layers(beginning: video.beginning, rests: video.rests)[stage - visionCount]
  }

  /// What goes into the first layer of the language model: the tokens of a video's prompts, with its
  /// features.
  private func embed(features: ActivationFile) throws -> ActivationFile {
    let file = try folder.create(.stage(visionCount))
    for (number, video) in prompts.videos.enumerated() {
      try context.cancellation.check()
      try file.append(
        language.embedding(
          ids: video.ids, tokenTypes: video.tokenTypes, features: features.read(number)))
    }
    try file.finish(identity: prompts.identity)
    folder.remove(.features)
    return file
  }
}

/// Hands what an engine's layers are given to whoever looks at the moment.
private final class ObserverRelay: InputObserver, @unchecked Sendable {
  private var observe: LayerwisePass.Observe?
  private var isImage: [Bool]?
  /// Rows of each layer's input that were shown already: a stage may run in parts.
  private var shown: [String: Int] = [:]
  private var failure: (any Error)?

  /// Runs `body` and shows `observe` what goes into the layers meanwhile.
  ///
  /// - Parameter isImage: for each row of the stage whether it is a token of an image; nil where all are.
  /// - Throws: what `observe` and `body` throw.
  func observing<Result>(
    _ observe: LayerwisePass.Observe?, isImage: [Bool]?, _ body: () throws -> Result
  ) throws -> Result {
    (self.observe, self.isImage, failure, shown) = (observe, isImage, nil, [:])
    defer { self.observe = nil }
    let result = try body()
    if let failure { throw failure }
    return result
  }

  func observe(_ input: FloatMatrix, of name: String) {
    guard let observe, failure == nil else { return }
    let rows = shown[name, default: 0]..<shown[name, default: 0] + input.rows
    shown[name] = rows.upperBound
    let flags = isImage.map { Array($0[rows]) } ?? Array(repeating: true, count: input.rows)
    do { try observe(input, name, flags) } catch { failure = error }
  }
}
