import CogBase
import CogBench
import CogCompute
import CogModel
import CogNative
import CogQuantize
import CogTestSupport
import Testing

@Suite struct WorkloadTests {
  /// The tiny preset: 2 layers of width 128, MLP 320, 8 heads of 16 and 2 of keys and values, 2048 tokens; a
  /// tower of 2 layers of width 96, MLP 160, 257 positions, pooled to 64.
  static let layerWeights: Double = {
    let attention: Int = (192 + 128) * 128
    let mlp: Int = 3 * 320 * 128
    return Double(2 * (attention + mlp))
  }()
  static let headWeights = 2048.0 * 128
  /// Attention's output and the MLP of one layer.
  static let restOfLayer = Double(128 * 128 + 3 * 320 * 128)

  @Test(
    "A prompt costs two operations for each weight and token, the end of the last layer and the head once")
  func prefill() throws {
    let folder = try TemporaryFolder()
    let work = Workload(try NativeFile(path: SyntheticModelTests.make(in: folder)))
    let ofAllTokens = Self.layerWeights - Self.restOfLayer
    #expect(
      work.prefillOperations(tokens: 10) == 2 * (10 * ofAllTokens + Self.restOfLayer + Self.headWeights))
    #expect(work.decodeOperations == 2 * (Self.layerWeights + Self.headWeights))
    // Tokens see 1, 2 and 3 keys, in the last layer the last one 3; a key costs 128 multiply-adds, its value
    // as many.
    #expect(work.prefillAttentionOperations(tokens: 3) == (6 + 3) * 128 * 4)
  }

  @Test("A token reads the layers, the last norm, the head and its row of the table")
  func decodeBytes() throws {
    let folder = try TemporaryFolder()
    let work = Workload(try NativeFile(path: SyntheticModelTests.make(in: folder)))
    // int4/64 panels of 16 rows: 192 bytes of scales and zero points for four groups, 64 for each 8 columns.
    // A row of 128 columns has two groups, one of 320 has five: places for four and for eight.
    let panel128: Int = 192 + 128 / 8 * 64
    let panel320: Int = 2 * 192 + 320 / 8 * 64
    let matrices: Int = panel128 * (192 + 128 + 320 + 320) / 16 + panel320 * 128 / 16
    let vectors: Int = (128 + 128 + 8) * 2
    let head: Int = (128 + 128 / 4 * 64) * 2048 / 16
    let whole: Int = 2 * (matrices + vectors) + 128 * 2 + head
    #expect(work.decodeBytes == Double(whole) + Double(head) / 2048)
  }

  @Test(
    "A frame costs its patches, the tower for all positions, and convolution and adapter for the pooled ones")
  func vision() throws {
    let folder = try TemporaryFolder()
    let work = Workload(try NativeFile(path: SyntheticModelTests.make(in: folder)))
    let patches: Int = 256 * 96 * 588
    let layer: Int = 4 * 96 * 96 + 2 * 160 * 96
    let pooled: Int = 96 * 96 * 4 + 128 * 96 + 3 * 320 * 128
    let products: Int = patches + 257 * 2 * layer + 64 * pooled
    #expect(work.visionOperationsPerFrame == Double(2 * products))
    #expect(work.visionAttentionOperationsPerFrame == 2 * 4 * 96 * 257 * 257)
  }
}

@Suite struct BenchmarkTests {
  static func run(_ change: (inout Benchmark) -> Void = { _ in }) throws -> BenchReport {
    let folder = try TemporaryFolder()
    var benchmark = Benchmark(context: RunContext(threads: ThreadPool(threadCount: 2)))
    (benchmark.promptTokens, benchmark.newTokens, benchmark.frames, benchmark.runs) = (8, 3, 1, 2)
    change(&benchmark)
    return try benchmark.run(path: SyntheticModelTests.make(in: folder), name: "tiny")
  }

  @Test("A report's rates follow from its seconds, and its shares from its limits")
  func consistent() throws {
    let report = try Self.run { $0.runs = 1 }
    #expect(report.prefill.tokensPerSecond.median == 8 / report.prefill.seconds.median)
    let decode = try #require(report.decode)
    #expect(decode.tokens == 3 && decode.contextTokens == 8)
    let read = decode.bytesPerSecond.median / report.limits.readBytesPerSecond.median
    #expect(decode.shareOfReadBandwidth.median == read)
    let vision = try #require(report.vision)
    #expect(vision.framesPerSecond.median == 1 / vision.seconds.median)
    let peak = report.limits.tileOperationsPerSecond ?? report.limits.int8OperationsPerSecond
    // Patches and convolution are floats whatever the recipe is.
    #expect((0.5..<1).contains(vision.int8Share) && report.prefill.int8Share == 1)
    let seconds =
      vision.int8Share / peak.median + (1 - vision.int8Share) / report.limits.floatOperationsPerSecond.median
    let share = vision.operationsPerSecond.median * seconds
    #expect(abs(vision.shareOfPeak.median - share) < 1e-9 * share)
    #expect(report.peakMemoryBytes > report.model.fileBytes)
  }

  @Test("The model's part of a report adds up")
  func model() throws {
    let model = try Self.run().model
    // The one that takes the most bytes first: of the tiny model the tables, which are int8.
    #expect(model.encodings.map(\.encoding.label) == ["int8/64", "int4/64", "BF16"])
    #expect(model.encodings.map(\.bytes) == model.encodings.map(\.bytes).sorted(by: >))
    #expect(model.encodings.reduce(0) { $0 + $1.parameters } == model.parameters)
    #expect(
      model.encodings.reduce(0) { $0 + $1.tensors }
        == TensorTable(try ModelPreset.tiny.configuration()).specifications.count)
    #expect(model.language == [2, 128, 320, 2048])
    #expect(model.vision == [2, 96, 160])
  }

  @Test("Frames and new tokens can be left out, and tokens made from an empty context")
  func parts() throws {
    let prefillOnly = try Self.run { ($0.frames, $0.newTokens) = (0, 0) }
    #expect(prefillOnly.vision == nil && prefillOnly.decode == nil)
    #expect(try Self.run { $0.decodesAfterPrompt = false }.decode?.contextTokens == 0)
  }

  @Test("Float arithmetic is held against the float32 peak", arguments: [ComputeMode.float32, .bfloat16])
  func floats(mode: ComputeMode) throws {
    let report = try Self.run { ($0.mode, $0.runs) = (mode, 1) }
    try Self.expectFloats(report)
    #expect(report.mode == mode)
  }

  @Test("Float weights are held against the float32 peak in fast arithmetic too")
  func fastFloats() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("floats.cogvlm")
    var benchmark = Benchmark(context: RunContext(threads: ThreadPool(threadCount: 2)))
    (benchmark.promptTokens, benchmark.newTokens, benchmark.frames, benchmark.runs) = (8, 0, 1, 1)
    benchmark.mode = .fast
    try SyntheticModel(preset: .tiny, recipe: QuantizationRecipe(floats: .bfloat16))
      .write(to: path, context: benchmark.context)
    try Self.expectFloats(benchmark.run(path: path, name: "tiny"))
  }

  private static func expectFloats(_ report: BenchReport) throws {
    let vision = try #require(report.vision)
    #expect(report.prefill.int8Share == 0 && vision.int8Share == 0)
    let peak = report.limits.floatOperationsPerSecond.median
    for (rate, share) in [
      (report.prefill.operationsPerSecond, report.prefill.shareOfPeak),
      (vision.operationsPerSecond, vision.shareOfPeak),
    ] {
      #expect(abs(share.median - rate.median / peak) < 1e-9 * share.median)
    }
  }

  @Test("Sizes that the context cannot hold, or that are negative, are refused")
  func refused() throws {
    #expect(throws: CogError.self) { try Self.run { $0.promptTokens = 2048 } }
    #expect(throws: CogError.self) { try Self.run { ($0.promptTokens, $0.newTokens) = (.max, 1) } }
    #expect(throws: CogError.self) { try Self.run { $0.promptTokens = 0 } }
    #expect(throws: CogError.self) { try Self.run { $0.frames = -1 } }
    #expect(throws: CogError.self) { try Self.run { $0.runs = 0 } }
  }
}
