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
  private let visionStages: [Stage]?
  private let bundle: ReferenceBundle
  private let tolerance: Tolerance
  private let progress: (any ProgressTask)?
  private var taps: [TapResult] = []

  /// A verifier of one bundle.
  ///
  /// - Parameters:
  ///   - visionStages: the vision stages to test; nil takes the engine's own.
  ///   - tolerance: nil takes the profile of the engine and the bundle, see ``profile(_:_:)``.
  package init(
    engine: Engine, bundle: ReferenceBundle, visionStages: [Stage]? = nil, tolerance: Tolerance? = nil,
    progress: (any ProgressTask)? = nil
  ) {
    self.engine = engine
    self.bundle = bundle
    self.visionStages = visionStages
    self.tolerance = tolerance ?? Tolerance(Self.profile(engine, bundle))
    self.progress = progress
  }

  /// The profile that an engine and a bundle have of themselves.
  package static func profile(_ engine: Engine, _ bundle: ReferenceBundle) -> ToleranceProfile {
    engine.toleranceProfile.against(ToleranceProfile(weights: [], mode: bundle.computeMode))
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
    let passed = !taps.isEmpty && taps.allSatisfy(\.passed) && answer?.passed ?? true && promptMatches ?? true
    return ReferenceResult(
      file: bundle.path, computeMode: engine.compute.mode, tolerance: tolerance, passed: passed,
      firstAtFault: firstAtFault, promptMatches: promptMatches, taps: taps, answer: answer,
      frames: video?.frames ?? [])
  }

  private var firstAtFault: TapPoint? {
    (taps.first { !$0.isolatedPassed } ?? taps.first { !$0.passed })?.point
  }

  // MARK: Walking

  private mutating func runVision(_ images: FloatMatrix) throws -> FloatMatrix {
    // The point before, for the isolated run: its reference holds perhaps only the first frames.
    let first = images.copyRows(0..<min(keptFrames, images.rows))
    return try walk(
      engine.vision.pass(images, stages: visionStages, progress: progress), reference: first
    ).value
  }

  /// Frames that every vision tap of the bundle holds at least.
  private var keptFrames: Int {
    bundle.points.filter(\.isVision).compactMap { bundle.shape(of: $0).first }.min() ?? 0
  }

  private mutating func runLanguage(_ features: FloatMatrix?) throws -> AnswerResult? {
    let answerIDs = bundle.answerIDs ?? []
    let session = Session(engine.language, capacity: bundle.ids.count + answerIDs.count)
    let input = ModelInput(
      ids: bundle.ids, tokenTypes: bundle.tokenTypes, positions: bundle.positions, features: features)
    let (logits, reference) = try walk(
      session.begin(input, progress: progress), reference: referenceEmbeddings(features))
    guard bundle.answerIDs != nil else { return nil }
    return try checkAnswer(answerIDs, logits: logits, reference: reference, session: session)
  }

  /// Runs every stage in its pass, and on the reference's value of the stage before while its weights are at
  /// hand.
  ///
  /// - Parameter reference: the first stage's input in the reference.
  /// - Returns: the last stage's output, and the reference's.
  private mutating func walk(
    _ pass: ForwardPass, reference: FloatMatrix?
  ) throws -> (value: FloatMatrix, reference: FloatMatrix?) {
    var (pass, reference) = (pass, reference)
    while let tap = try pass.advance() {
      let isolated = bundle.points.contains(tap.point) ? reference.map(tap.stage.runIsolated) : nil
      reference = try compare(tap.point, tap.value, isolated: isolated)
    }
    return (pass.value, reference)
  }

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
    return try engine.language.embedding(
      ids: Array(bundle.ids.prefix(end)), tokenTypes: Array(bundle.tokenTypes.prefix(end)),
      features: used > 0 ? known?.copyRows(0..<used) : nil)
  }

  private func checkAnswer(
    _ answerIDs: [Int], logits: FloatMatrix, reference: FloatMatrix?, session: Session
  ) throws -> AnswerResult {
    let error =
      reference.map { AnswerCheck.logitError(logits, reference: $0, mode: bundle.computeMode) } ?? 0
    let check = AnswerCheck(logitError: error)
    let gaps = ReferenceGaps(margins: bundle.margins, firstLogits: reference, minimum: bundle.minimumMargin)
    var steps: [AnswerStep] = []
    var logits = logits
    for (step, id) in answerIDs.enumerated() {
      let gap = gaps.known(step)
      let (chosen, agreement) = check.compare(logits, reference: id, gap: gap ?? gaps.minimum)
      steps.append(
        AnswerStep(
          id: chosen, referenceId: id, text: try engine.tokenizer.decode([chosen], skipSpecial: false),
          referenceText: try engine.tokenizer.decode([id], skipSpecial: false), gap: gap, agreement: agreement
        ))
      guard step + 1 < answerIDs.count else { break }
      logits = try session.step(id)
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
