package import CogBase
import CogCompute
package import CogEngine
package import CogModel
import CogText

/// Runs a model on a reference bundle's inputs and compares every tap and the answer.
///
/// It goes through the graph layer by layer and runs each layer twice while its weights are at hand: on the
/// engine's own values (accumulated error) and on the reference's (isolated error). A model larger than
/// memory is so read once from the disk.
package struct Verifier {
  private let engine: Engine
  private let vision: any VisionStages
  private let bundle: ReferenceBundle
  private let tolerance: Tolerance
  private let progress: Progress?
  private var taps: [TapResult] = []

  /// A verifier of one bundle.
  ///
  /// - Parameters:
  ///   - vision: the vision stages to test; nil takes the engine's own.
  ///   - tolerance: nil takes the profile of the model and the mode.
  package init(
    engine: Engine, bundle: ReferenceBundle, vision: (any VisionStages)? = nil, tolerance: Tolerance? = nil,
    progress: Progress? = nil
  ) {
    self.engine = engine
    self.bundle = bundle
    self.vision = vision ?? engine.vision
    self.tolerance = tolerance ?? Tolerance(engine.toleranceProfile)
    self.progress = progress
  }

  /// Steps of the progress that a verification of a model counts.
  package static func progressTotal(_ configuration: ModelConfiguration) -> Int {
    TapPoint.all(configuration).count
  }

  /// Runs and compares.
  ///
  /// - Parameter video: the frames, prepared; nil for a prompt without frames.
  /// - Throws: ``CogError`` when images and prompt do not fit; an interrupt.
  package mutating func run(video: PreparedVideo?) throws -> ReferenceResult {
    let images = video?.images
    taps = []
    let frameCount = bundle.frameCount(engine.configuration)
    guard images?.rows ?? 0 == frameCount else {
      throw CogError(
        "frames and prompt do not fit", file: bundle.path, expected: "\(frameCount) frames",
        found: "\(images?.rows ?? 0)",
        advice: "Put the frames beside the bundle (NAME.frames.safetensors), or give the video with --video.")
    }
    let features = try images.map { try runVision($0) }
    let answer = try runLanguage(features)
    let promptMatches = try comparePrompt(frameCount)
    let passed = taps.allSatisfy(\.passed) && answer?.passed ?? true && promptMatches ?? true
    return ReferenceResult(
      file: bundle.path, computeMode: engine.compute.mode, tolerance: tolerance, passed: passed,
      firstAtFault: firstAtFault, promptMatches: promptMatches, taps: taps, answer: answer,
      frames: video?.frames ?? [])
  }

  private var firstAtFault: TapPoint? {
    (taps.first { !$0.isolatedPassed } ?? taps.first { !$0.passed })?.point
  }

  // MARK: Vision

  private mutating func runVision(_ images: FloatMatrix) throws -> FloatMatrix {
    // The point before, for the isolated run: its reference holds perhaps only the first frames.
    var previous: FloatMatrix? = images.copyRows(0..<min(keptFrames, images.rows))
    var value = images
    for (point, stage) in vision.stages(layerCount: engine.configuration.vision.layerCount) {
      try Interruption.check()
      value = try stage(value)
      let isolated = bundle.points.contains(point) ? try previous.map(stage) : nil
      previous = try compare(point, value, isolated: isolated)
      progress?.advance(by: 1, point.name)
    }
    return value
  }

  /// Frames that every vision tap of the bundle holds at least.
  private var keptFrames: Int {
    bundle.points.filter(\.isVision).compactMap { bundle.shape(of: $0).first }.min() ?? 0
  }

  // MARK: Language

  private mutating func runLanguage(_ features: FloatMatrix?) throws -> AnswerResult? {
    let language = engine.language
    let answerIDs = bundle.answerIDs ?? []
    let capacity = bundle.ids.count + answerIDs.count
    let cache = language.makeCache(capacity: capacity)
    var value = try language.embeddings(ids: bundle.ids, tokenTypes: bundle.tokenTypes, features: features)
    var previous = try referenceEmbeddings(features)
    for layer in 0..<engine.configuration.layerCount {
      try Interruption.check()
      value = try language.layer(layer, value, positions: bundle.positions, cache: cache)
      let point = TapPoint.layer(layer)
      let isolated =
        bundle.points.contains(point)
        ? try previous.map { input in
          try language.layer(
            layer, input, positions: Array(bundle.positions.prefix(input.rows)),
            cache: language.makeCache(capacity: input.rows))
        } : nil
      previous = try compare(point, value, isolated: isolated)
      progress?.advance(by: 1, point.name)
    }
    cache.advance(by: bundle.ids.count)
    let normalized = try language.finalNorm(value)
    let lastNorm = try compare(.finalNorm, normalized, isolated: previous.map(language.finalNorm))
    let logits = try language.head(Self.lastRow(normalized))
    let reference = try compare(.head, logits, isolated: lastNorm.map { try language.head(Self.lastRow($0)) })
    progress?.advance(by: 2, TapPoint.head.name)
    guard let answerIDs = bundle.answerIDs else { return nil }
    return try checkAnswer(answerIDs, logits: logits, reference: reference, cache: cache)
  }

  private static func lastRow(_ x: FloatMatrix) -> FloatMatrix { x.copyRows(x.rows - 1..<x.rows) }

  /// The first layer's input as the reference had it: up to the first frame whose features the bundle does
  /// not hold.
  ///
  /// Attention is causal, so the rows before that frame depend on nothing that is missing.
  private func referenceEmbeddings(_ features: FloatMatrix?) throws -> FloatMatrix? {
    let known = bundle.points.contains(.vision) ? try bundle.value(of: .vision) : nil
    var used = 0
    var end = bundle.ids.count
    for (index, type) in bundle.tokenTypes.enumerated() where type == 1 {
      if used == known?.rows ?? 0 {
        end = index
        break
      }
      used += 1
    }
    guard end > 0 else { return nil }
    return try engine.language.embeddings(
      ids: Array(bundle.ids.prefix(end)), tokenTypes: Array(bundle.tokenTypes.prefix(end)),
      features: used > 0 ? known?.copyRows(0..<used) : nil)
  }

  private func checkAnswer(
    _ answerIDs: [Int], logits: FloatMatrix, reference: FloatMatrix?, cache: KeyValueCache
  ) throws -> AnswerResult {
    let error =
      reference.map { AnswerCheck.logitError(logits, reference: $0, mode: engine.compute.mode) } ?? 0
    let check = AnswerCheck(logitError: error)
    let gaps = ReferenceGaps(margins: bundle.margins, firstLogits: reference, minimum: bundle.minimumMargin)
    var steps: [AnswerStep] = []
    var logits = logits
    var position = (bundle.positions.last ?? 0) + 1
    for (step, id) in answerIDs.enumerated() {
      try Interruption.check()
      let gap = gaps.known(step)
      let (chosen, agreement) = check.compare(logits, reference: id, gap: gap ?? gaps.minimum)
      steps.append(
        AnswerStep(
          id: chosen, referenceId: id, text: try engine.tokenizer.decode([chosen], skipSpecial: false),
          referenceText: try engine.tokenizer.decode([id], skipSpecial: false), gap: gap, agreement: agreement
        ))
      guard step + 1 < answerIDs.count else { break }
      let language = engine.language
      let x = try language.embeddings(ids: [id], tokenTypes: [0], features: nil)
      logits = try language.head(language.finalNorm(language.forward(x, positions: [position], cache: cache)))
      position += 1
    }
    let ids = steps.map(\.id)
    return AnswerResult(
      passed: steps.allSatisfy { $0.agreement != .mismatch }, comparedTokens: steps.count,
      referenceIds: answerIDs,
      ids: ids, text: try engine.tokenizer.decode(ids, skipSpecial: true), logitError: error, steps: steps)
  }

  // MARK: Comparing

  /// Compares a point if the bundle has it, and returns the reference's value for the next point's isolated
  /// run.
  private mutating func compare(
    _ point: TapPoint, _ value: FloatMatrix, isolated: FloatMatrix?
  ) throws -> FloatMatrix? {
    guard bundle.points.contains(point) else { return nil }
    let reference = try bundle.value(of: point)
    let accumulated = Measures(value, reference: reference)
    let alone = isolated.map { isolated in
      // The isolated run may have fewer rows than the reference, never more.
      let rows = min(isolated.rows, reference.rows)
      return Measures(isolated, reference: rows < reference.rows ? reference.copyRows(0..<rows) : reference)
        .relativeL2
    }
    // Written so that an error that is not a number does not pass.
    let isolatedPassed = alone.map { $0 <= tolerance.isolated(point) } ?? true
    taps.append(
      TapResult(
        point: point, shape: bundle.shape(of: point), relativeL2: accumulated.relativeL2,
        isolatedRelativeL2: alone,
        maxAbs: accumulated.maxAbs, cosine: accumulated.cosine,
        isolatedPassed: isolatedPassed,
        passed: accumulated.relativeL2 <= tolerance.accumulated && isolatedPassed))
    return reference
  }

  /// Builds the prompt from the query and compares it with the bundle's.
  private func comparePrompt(_ frameCount: Int) throws -> Bool? {
    guard let query = bundle.query else { return nil }
    let prompt = try engine.prompt(
      template: bundle.template, frameCount: frameCount, history: bundle.history, query: query)
    return prompt.ids == bundle.ids && prompt.tokenTypes == bundle.tokenTypes
      && prompt.positions == bundle.positions
  }
}
