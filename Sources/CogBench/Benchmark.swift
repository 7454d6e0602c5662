import CogBase
package import CogCompute
import CogEngine
package import CogModel

/// Measures one model: load, vision, prefill and decode, and the machine's limits beside them.
package struct Benchmark {
  /// Tokens of the prompt.
  package var promptTokens = 512
  /// Tokens to make one by one.
  package var newTokens = 32
  /// Frames to look at; 0 leaves the vision tower out.
  package var frames = 4
  /// Counted runs.
  package var runs = 3
  /// Whether tokens are made after the prompt, or from an empty context, as `llama-bench -n` does.
  package var decodesAfterPrompt = true
  /// How to compute; nil chooses as the engine does.
  package var mode: ComputeMode?
  /// What it computes with.
  package let context: RunContext

  /// A benchmark with the usual sizes.
  package init(context: RunContext = RunContext()) { self.context = context }

  /// Runs it.
  ///
  /// - Parameters:
  ///   - path: a native file.
  ///   - name: how the report names the model.
  ///   - onOpen: called once the file is open; a temporary one may lose its name then.
  /// - Throws: `CogError` when the sizes do not fit the model's context, the file cannot be run, or the
  ///   model's numbers are not finite; what the context's cancellation throws.
  package func run(path: String, name: String, onOpen: () -> Void = {}) throws -> BenchReport {
    guard promptTokens > 0, newTokens >= 0, frames >= 0, runs > 0 else {
      throw CogError("a benchmark needs at least 1 run and 1 token of a prompt, and no negative size")
    }
    let loadAverages = SystemText.loadAverages
    var memory = ProcessMemory()
    memory.start()
    var loads: [Double] = []
    var model = try timed(&loads) { try BenchModel(path: path, mode: mode, context: context) }
    for _ in 1..<max(1, runs) {
      model = try timed(&loads) { try BenchModel(path: path, mode: mode, context: context) }
    }
    onOpen()
    try checkContext(of: model.file.configuration)
    var samples = Samples()
    let progress = context.progress.begin("Measuring \(name)", total: runs + 1)
    defer { progress.finish() }
    try warmUp(model)
    memory.stop()
    for run in 1...runs {
      progress.advance(by: 1, "run \(run) of \(runs)")
      var limits = try MachineLimits.measure(kernels: model.compute.kernels, pool: context.threads)
      memory.start()
      try measure(model, into: &samples)
      memory.stop()
      if newTokens > 0 {
        // A host may have moved the threads meanwhile, and given them a faster way to the memory.
        let after = try MachineLimits.readBandwidth(
          kernels: model.compute.kernels, pool: context.threads)
        limits.readBytesPerSecond = max(limits.readBytesPerSecond, after)
      }
      samples.limits.append(limits)
    }
    return try report(
      model, name: name, loads: loads, samples: samples, memory: memory, loadAverages: loadAverages)
  }

  /// Checks that prompt and new tokens fit a model's context. - Throws: `CogError` when they don't.
  package func checkContext(of configuration: ModelConfiguration) throws {
    let limit = configuration.contextLength
    let (needed, overflow) = promptTokens.addingReportingOverflow(newTokens)
    guard !overflow, needed <= limit else {
      throw CogError(
        "prompt and new tokens exceed the model's context", expected: "at most \(limit) tokens together",
        found: "\(promptTokens) and \(newTokens)")
    }
  }

  /// Seconds of every counted run.
  struct Samples {
    var limits: [MachineLimits] = []
    var vision: [Double] = []
    var prefill: [Double] = []
    var decode: [Double] = []
  }

  /// Maps every page of the weights that will be used, and wakes the threads.
  private func warmUp(_ model: BenchModel) throws {
    if frames > 0 { _ = try model.vision.forward(images(1, of: model)) }
    let session = Session(model.language, capacity: 3)
    let logits = try model.prefill(prompt(2, of: model), in: session)
    _ = try model.decode(1, from: logits, in: session)
  }

  private func measure(_ model: BenchModel, into samples: inout Samples) throws {
    if frames > 0 {
      let images = images(frames, of: model)
      let features = try timed(&samples.vision) { try model.vision.forward(images) }
      try checkFinite(features, "image features")
    }
    let ids = prompt(promptTokens, of: model)
    var session = Session(model.language, capacity: promptTokens + newTokens)
    var logits = try timed(&samples.prefill) { try model.prefill(ids, in: session) }
    try checkFinite(logits, "logits after the prompt")
    guard newTokens > 0 else { return }
    if !decodesAfterPrompt { session = Session(model.language, capacity: newTokens) }
    logits = try timed(&samples.decode) { try model.decode(newTokens, from: logits, in: session) }
    try checkFinite(logits, "logits of the last new token")
  }

  private func timed<Result>(_ seconds: inout [Double], _ body: () throws -> Result) throws -> Result {
    try context.cancellation.check()
    let start = ContinuousClock.now
    let result = try body()
    seconds.append((ContinuousClock.now - start).seconds)
    return result
  }

  /// Random tokens: what a model is asked does not change what it costs.
  private func prompt(_ count: Int, of model: BenchModel) -> [Int] {
    var random = SplitMix64(seed: 1)
    return (0..<count).map { _ in Int.random(in: 0..<model.file.configuration.vocabularySize, using: &random)
    }
  }

  /// Random prepared images, in the range of normalized pixels.
  private func images(_ count: Int, of model: BenchModel) -> FloatMatrix {
    let vision = model.file.configuration.vision
    let columns = vision.channelCount * vision.imageSize * vision.imageSize
    var random = SplitMix64(seed: 2)
    return FloatMatrix(
      (0..<count * columns).map { _ in 4 * random.nextUnitFloat() - 2 }, rows: count, columns: columns)
  }

  /// Numbers that are not finite would be computed at another speed.
  private func checkFinite(_ values: FloatMatrix, _ what: String) throws {
    guard UnsafeBufferPointer(start: values.pointer, count: values.count).allSatisfy(\.isFinite) else {
      throw CogError("\(what) are not finite", advice: "Verify the model with cogvlm verify.")
    }
  }
}
