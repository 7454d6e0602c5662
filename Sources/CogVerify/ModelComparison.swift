package import CogBase
import CogCompute
package import CogEngine
package import CogInspect
package import CogModel
import CogText

/// Runs two models side by side over the same prompts and compares every tap and the answers.
///
/// Both go through the graph layer by layer in lockstep: the reference on its own values, the tested model on
/// its own (accumulated error) and on the reference's (isolated error). Only the values of one layer are at
/// hand at a time, so memory does not grow with depth.
package struct ModelComparison {
  let engine: Engine
  let reference: Engine
  let tolerance: Tolerance
  let maximumNewTokens: Int
  let template: PromptTemplate
  let progress: (any ProgressTask)?
  private var sums: [TapPoint: TapSums] = [:]
  private var videos: [ModelComparisonReport.Video] = []
  private var questions: [ModelComparisonReport.Question] = []
  private var failed: [ModelComparisonReport.Failure] = []

  /// A comparison of nothing yet.
  ///
  /// - Parameters:
  ///   - tolerance: nil takes the profile of the two models and modes, see ``profile(_:_:)``.
  ///   - template: the prompt template; nil takes the reference's own.
  /// - Throws: `CogError` when the models have different sizes.
  package init(
    engine: Engine, reference: Engine, tolerance: Tolerance? = nil, maximumNewTokens: Int = 64,
    template: PromptTemplate? = nil, progress: (any ProgressTask)? = nil
  ) throws {
    self.engine = engine
    self.reference = reference
    self.tolerance = tolerance ?? Tolerance(Self.profile(engine, reference))
    self.maximumNewTokens = maximumNewTokens
    self.template = template ?? reference.configuration.template
    self.progress = progress
    try Self.checkSizes(engine, reference)
  }

  /// The profile that two models have of themselves.
  package static func profile(_ engine: Engine, _ reference: Engine) -> ToleranceProfile {
    engine.toleranceProfile.against(reference.toleranceProfile)
  }

  /// Steps of the progress that a number of videos and questions counts.
  package static func progressTotal(_ engine: Engine, videos: Int, questions: Int) -> Int {
    let points = TapPoint.all(engine.configuration)
    return videos * points.count(where: \.isVision) + questions * points.count { !$0.isVision }
  }

  /// A video as both models have encoded it.
  package struct Video {
    fileprivate let name: String
    fileprivate let tested, reference: VideoFeatures
    fileprivate let testedReader, referenceReader: VideoReader
  }

  /// Encodes a video with both models, and compares the vision taps.
  ///
  /// - Parameter name: how the report names the video.
  /// - Returns: what questions are asked about.
  /// - Throws: `CogError` when the frames have another size; an interrupt.
  package mutating func encode(_ video: PreparedVideo, name: String) throws -> Video {
    let (tested, other) = try walk(
      engine.vision.pass(video.images), reference.vision.pass(video.images), input: video.images, prompt: name
    )
    videos.append(
      ModelComparisonReport.Video(
        video: name, frames: video.frames,
        features: FeatureCosine.ofFrames(
          tested, reference: other, tokensPerFrame: reference.configuration.vision.tokensPerFrame)))
    let features = [tested, other].map { VideoFeatures(matrix: $0, frames: video.frames) }
    return Video(
      name: name, tested: features[0], reference: features[1],
      testedReader: VideoReader(engine, features[0]), referenceReader: VideoReader(reference, features[1]))
  }

  /// Asks both models a question, and compares the language model's taps and the answers.
  ///
  /// - Parameters:
  ///   - task: what the question tries, for the report.
  ///   - video: what ``encode(_:name:)`` returned, or nil.
  /// - Throws: `CogError` when the models' tokenizers differ, or the prompt does not fit the context; an
  ///   interrupt.
  package mutating func ask(_ query: String, task: String? = nil, about video: Video?) throws {
    let (prompt, capacity) = try prompt(query, about: video)
    let own = Session(engine.language, capacity: capacity)
    let other = Session(reference.language, capacity: capacity)
    // The tested model's own table, with the reference's image features: what a bundle's isolated run has
    // too.
    let embeddings = try engine.language.embedding(
      ids: prompt.ids, tokenTypes: prompt.tokenTypes, features: video?.reference.matrix)
    let logits = try walk(
      own.begin(ModelInput(prompt, features: video?.tested)),
      other.begin(ModelInput(prompt, features: video?.reference)), input: embeddings,
      prompt: video.map { "\($0.name): \(query)" } ?? query)
    try answer(query, task, about: video, own, other, logits)
  }

  /// Asks both models one more question about a video, and compares the answers alone: the layers have been
  /// compared over another question, and each model reads the frames but once.
  ///
  /// - Throws: as ``ask(_:task:about:)``.
  package mutating func askAgain(_ query: String, task: String? = nil, about video: Video) throws {
    let (prompt, capacity) = try prompt(query, about: video)
    let (own, tested) = try video.testedReader.read(prompt, capacity: capacity)
    let (other, expected) = try video.referenceReader.read(prompt, capacity: capacity)
    progress?.advance(by: engine.language.stageCount, video.name)
    try answer(query, task, about: video, own, other, (tested, expected))
  }

  /// The prompt of a question, and tokens of prompt and answer together.
  private func prompt(_ query: String, about video: Video?) throws -> (Prompt, capacity: Int) {
    let frameCount = video?.reference.frameCount ?? 0
    let prompt = try reference.prompt(template: template, frameCount: frameCount, query: query)
    let ownPrompt = try engine.prompt(template: template, frameCount: frameCount, query: query)
    guard prompt.ids == ownPrompt.ids, prompt.positions == ownPrompt.positions else {
      throw CogError(
        "the two models' tokenizers give different prompts", file: engine.file.path, subject: "tokenizer",
        expected: "\(prompt.ids.count) ids as \(reference.file.path) gives",
        found: "\(ownPrompt.ids.count) ids that differ")
    }
    let context = min(engine.configuration.contextLength, reference.configuration.contextLength)
    try prompt.requireRoom(inContext: context)
    return (prompt, min(context, prompt.count + maximumNewTokens))
  }

  private mutating func answer(
    _ query: String, _ task: String?, about video: Video?, _ own: Session, _ other: Session,
    _ logits: (tested: FloatMatrix, reference: FloatMatrix)
  ) throws {
    let answers = PairedAnswer(
      own: own, other: other, reference: reference, maximumNewTokens: maximumNewTokens)
    var question = try answers.run(query, logits: logits)
    (question.video, question.task) = (video?.name, task)
    questions.append(question)
  }

  /// Notes a question that cannot be asked, as its video is missing or it does not fit the context.
  package mutating func fail(_ query: String, about video: String, _ error: CogError) {
    failed.append(ModelComparisonReport.Failure(video: video, question: query, error: error.description))
  }

  /// Questions that were compared so far.
  package var questionCount: Int { questions.count }

  /// Walks both models in step: the reference on its own values, the tested model on its own and, while a
  /// stage's weights are at hand, on the reference's.
  ///
  /// - Parameter input: the first stage's, as the reference has it.
  /// - Returns: what the last stages gave.
  private mutating func walk(
    _ tested: ForwardPass, _ reference: ForwardPass, input: FloatMatrix, prompt: String
  ) throws -> (tested: FloatMatrix, reference: FloatMatrix) {
    var (tested, reference, input) = (tested, reference, input)
    while let tap = try tested.advance() {
      let isolated = tap.stage.runIsolated(input)
      guard let other = try reference.advance() else { break }
      input = other.value
      add(tap.point, tap.value, isolated: isolated, reference: input, prompt: prompt)
    }
    return (tested.value, reference.value)
  }

  private mutating func add(
    _ point: TapPoint, _ value: FloatMatrix, isolated: FloatMatrix, reference: FloatMatrix, prompt: String
  ) {
    sums[point, default: TapSums()].add(value, isolated: isolated, reference: reference, prompt: prompt)
    progress?.advance(by: 1, point.name)
  }

  /// What came out, over all prompts so far.
  ///
  /// - Parameters:
  ///   - model: the tested file as the user named it.
  ///   - against: the other one.
  ///   - weights: what `diff` finds between the two files.
  package func report(model: String, against: String, weights: TensorDiff) -> ModelComparisonReport {
    let taps = TapPoint.all(engine.configuration).compactMap { point in
      sums[point].map { $0.tap(point, tolerance: tolerance) }
    }
    let fault = taps.first { !$0.isolatedPassed } ?? taps.first { !$0.passed }
    return ModelComparisonReport(
      passed: failed.isEmpty && taps.allSatisfy(\.passed) && questions.allSatisfy(\.passed), model: model,
      against: against, computeMode: engine.compute.mode,
      againstComputeMode: reference.compute.mode, tolerance: tolerance, firstAtFault: fault?.point,
      taps: taps,
      parts: ModelComparisonReport.Part.all(engine, reference, weights: weights, taps: taps),
      tensors: ModelComparisonReport.Tensor.all(weights, in: engine.file),
      divergence: Divergence(questions.flatMap(\.predictions)),
      intervals: DivergenceIntervals(predictionsByVideo),
      tasks: ModelComparisonReport.TaskSummary.all(questions),
      features: ModelComparisonReport.FeatureSummary(videos), questions: questions, videos: videos,
      failed: failed)
  }

  /// One list for each video, in the order of asking.
  private var predictionsByVideo: [[Prediction]] {
    let byVideo = Dictionary(grouping: questions) { $0.video }
    return videos.compactMap { video in byVideo[video.video].map { $0.flatMap(\.predictions) } }
  }

  private static func checkSizes(_ engine: Engine, _ reference: Engine) throws {
    let (a, b) = (engine.configuration, reference.configuration)
    let sizes: [(String, Int, Int)] = [
      ("hidden size", a.hiddenSize, b.hiddenSize), ("layers", a.layerCount, b.layerCount),
      ("vocabulary", a.vocabularySize, b.vocabularySize),
      ("vision hidden size", a.vision.hiddenSize, b.vision.hiddenSize),
      ("vision layers", a.vision.layerCount, b.vision.layerCount),
      ("image size", a.vision.imageSize, b.vision.imageSize),
      ("vision positions", a.vision.positionCount, b.vision.positionCount),
    ]
    guard let (name, own, other) = sizes.first(where: { $0.1 != $0.2 }) else { return }
    throw CogError(
      "the two models have different sizes", file: engine.file.path, subject: name,
      expected: "\(other) as in \(reference.file.path)", found: "\(own)",
      advice: "Compare two files that were made of the same checkpoint.")
  }
}
