import CogBase
import CogCompute
import CogEngine
import CogModel
import CogNative

extension Benchmark {
  /// Sums up the samples.
  func report(
    _ model: BenchModel, name: String, loads: [Double], samples: Samples, memory: ProcessMemory,
    loadAverages: [Double]
  ) throws -> BenchReport {
    let work = Workload(model.file)
    let isFast = model.compute.mode == .fast
    return BenchReport(
      model: BenchReport.Model(model.file, name: name),
      machine: BenchReport.Machine(
        processor: SystemText.processorName, threads: context.threads.threadCount,
        kernels: model.compute.kernels.name,
        loadAverages: loadAverages),
      mode: model.compute.mode, runs: runs, limits: try limits(samples.limits),
      loadSeconds: try Self.spread(loads),
      vision: samples.vision.isEmpty ? nil : try vision(samples, work, isFast: isFast),
      prefill: try prefill(samples, work, isFast: isFast),
      decode: samples.decode.isEmpty ? nil : try decode(samples, work),
      peakMemoryBytes: memory.peakBytes, peakMemoryIsExact: memory.isExact)
  }

  private func limits(_ measured: [MachineLimits]) throws -> BenchReport.Limits {
    BenchReport.Limits(
      readBytesPerSecond: try Self.spread(measured.map(\.readBytesPerSecond)),
      int8OperationsPerSecond: try Self.spread(measured.map(\.int8OperationsPerSecond)),
      floatOperationsPerSecond: try Self.spread(measured.map(\.floatOperationsPerSecond)),
      tileOperationsPerSecond: Spread(measured.compactMap(\.tileOperationsPerSecond)))
  }

  private func vision(_ samples: Samples, _ work: Workload, isFast: Bool) throws -> BenchReport.Vision {
    let seconds = samples.vision
    let share = isFast ? work.quantizedShareOfVision : 0
    let peaks = samples.limits.map { $0.peak(int8Share: share) }
    let rates = seconds.map { Double(frames) * work.visionOperationsPerFrame / $0 }
    return BenchReport.Vision(
      frames: frames, seconds: try Self.spread(seconds),
      framesPerSecond: try Self.spread(seconds.map { Double(frames) / $0 }),
      operationsPerSecond: try Self.spread(rates), int8Share: share,
      shareOfPeak: try Self.shares(rates, peaks))
  }

  private func prefill(_ samples: Samples, _ work: Workload, isFast: Bool) throws -> BenchReport.Prefill {
    let seconds = samples.prefill
    let share = isFast ? work.quantizedShareOfPrefill(tokens: promptTokens) : 0
    let peaks = samples.limits.map { $0.peak(int8Share: share) }
    let rates = seconds.map { work.prefillOperations(tokens: promptTokens) / $0 }
    return BenchReport.Prefill(
      tokens: promptTokens, seconds: try Self.spread(seconds),
      tokensPerSecond: try Self.spread(seconds.map { Double(promptTokens) / $0 }),
      operationsPerSecond: try Self.spread(rates), int8Share: share,
      shareOfPeak: try Self.shares(rates, peaks))
  }

  private func decode(_ samples: Samples, _ work: Workload) throws -> BenchReport.Decode {
    let rates = samples.decode.map { Double(newTokens) * work.decodeBytes / $0 }
    return BenchReport.Decode(
      tokens: newTokens, contextTokens: decodesAfterPrompt ? promptTokens : 0,
      seconds: try Self.spread(samples.decode),
      tokensPerSecond: try Self.spread(samples.decode.map { Double(newTokens) / $0 }),
      bytesPerToken: Int(work.decodeBytes), bytesPerSecond: try Self.spread(rates),
      shareOfReadBandwidth: try Self.shares(rates, samples.limits.map(\.readBytesPerSecond)))
  }

  /// Each run's rate over the limit that was measured just before it.
  private static func shares(_ rates: [Double], _ limits: [Double]) throws -> Spread {
    try spread(zip(rates, limits).map { $1 > 0 ? $0 / $1 : 0 })
  }

  private static func spread(_ values: [Double]) throws -> Spread {
    guard let spread = Spread(values) else { throw CogError("nothing was measured") }
    return spread
  }
}

extension BenchReport.Model {
  /// The sizes of a file.
  init(_ file: NativeFile, name: String) {
    self.name = name
    fileBytes = file.fileSize
    parameters = file.entries.reduce(0) { $0 + $1.shape.elementCount }
    let read = file.table.specifications.filter {
      ($0.part == .language && $0.role.isMatrix) || $0.part == .head
    }
    .compactMap { file.entry(named: $0.name) }
    let weights = read.reduce(0) { $0 + $1.shape.elementCount }
    languageBitsPerWeight = Double(read.reduce(0) { $0 + $1.byteCount }) * 8 / Double(max(1, weights))
    let c = file.configuration
    language = [c.layerCount, c.hiddenSize, c.intermediateSize, c.vocabularySize]
    vision = [c.vision.layerCount, c.vision.hiddenSize, c.vision.intermediateSize]
    encodings = Dictionary(grouping: file.entries, by: \.encoding).map { encoding, tensors in
      BenchReport.Encoding(
        encoding: encoding, tensors: tensors.count,
        parameters: tensors.reduce(0) { $0 + $1.shape.elementCount },
        bytes: tensors.reduce(0) { $0 + $1.byteCount })
    }
    .sorted { ($1.bytes, $0.encoding.label) < ($0.bytes, $1.encoding.label) }
  }
}
