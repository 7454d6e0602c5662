import CogBase
import CogCompute
import CogModel
import CogNative
import CogQuantize
import CogTestSupport
import Foundation
import Testing

import CogCalibrate

@Suite("GPTQ from a checkpoint to a file")
struct GPTQTests {
  private let folder: TemporaryFolder
  private static let checkpoint = Fixtures.path("sample/checkpoint")
  private static let questions = [
    "Which way does the circle move?", "What color is the background?", "How many shapes are there?",
  ]
  private static let set = CalibrationSet(
    clips: ["v22_h264.mp4", "v00_h264_square.mp4"].map {
      .init(name: $0, path: Fixtures.path("sample/videos/\($0)"), questions: questions)
    })

  init() throws { folder = try TemporaryFolder() }

  private var scratch: String { folder.path("activations") }

  @discardableResult
  private func quantize(
    to name: String, preset: String = "int4", set: CalibrationSet = set,
    settings: GPTQ.Settings = .init(), threads: Int = 2, resumes: Bool = false,
    cancellation: any Cancellation = NeverCancelled()
  ) throws -> ConversionSummary {
    let context = RunContext(threads: ThreadPool(threadCount: threads), cancellation: cancellation)
    let source = try ModelSource.open(path: Self.checkpoint)
    var options = Conversion.Options(tool: "test 1")
    options.resumes = resumes
    var recipe = try QuantizationRecipe(preset: preset)
    let pass = try LayerwisePass(
      source: source, set: set, settings: .init(), folder: scratch, resumes: resumes, context: context)
    recipe.method = GPTQ(source: source, pass: pass, settings: settings, context: context)
    return try Conversion(source: source, recipe: recipe, options: options, context: context)
      .run(into: NativeSink(path: folder.path(name)))
  }

  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: folder.path(name))) }

  @Test("The same bytes whatever the number of threads and the memory, and nothing else is left")
  func deterministic() throws {
    try quantize(to: "one.cogvlm", threads: 1)
    var settings = GPTQ.Settings()
    settings.memoryLimit = 1
    try quantize(to: "two.cogvlm", settings: settings, threads: 3)
    #expect(try bytes("one.cogvlm") == bytes("two.cogvlm"))
    #expect(try folder.contents() == ["one.cogvlm", "two.cogvlm"])
  }

  @Test("Stopped again and again, the file is that of one run")
  func resumes() throws {
    try quantize(to: "whole.cogvlm")
    var stops = 0
    while true {
      do {
        try quantize(to: "out.cogvlm", resumes: stops > 0, cancellation: StopAfter(150 + 130 * stops))
        break
      } catch is Conversion.Stopped {
        stops += 1
        #expect(FileManager.default.fileExists(atPath: scratch))
      } catch is StopAfter.Stop { stops += 1 }
      try #require(stops < 60)
    }
    #expect(stops >= 3)
    #expect(try bytes("whole.cogvlm") == bytes("out.cogvlm"))
    #expect(try folder.contents() == ["out.cogvlm", "whole.cogvlm"])
  }

  @Test(
    "The outputs of a layer are nearer to the float ones than with least squares",
    arguments: [
      "int4", "int4-small", "int4-fine", "int8",
    ])
  func better(preset: String) throws {
    try quantize(to: "gptq.cogvlm", preset: preset)
    let source = try ModelSource.open(path: Self.checkpoint)
    let context = RunContext()
    try Conversion(
      source: source, recipe: QuantizationRecipe(preset: preset), options: .init(tool: "test 1"),
      context: context
    ).run(into: NativeSink(path: folder.path("plain.cogvlm")))
    let pass = try LayerwisePass(
      source: source, set: Self.set, settings: .init(), folder: scratch, resumes: false, context: context)
    defer { pass.end() }
    let names = [
      "model.vision.transformer.layers.1.mlp.fc1.weight",
      "model.layers.1.self_attn.language_expert_dense.weight",
    ]
    for (name, point) in zip(names, [TapPoint.visionLayer(1), .layer(1)]) {
      var sums = [0.0, 0.0]
      let weights = try [source.tensors, file("gptq.cogvlm"), file("plain.cogvlm")].map {
        try matrix(name, $0)
      }
      try pass.run(point) { input, found, _ in
        guard found == name else { return }
        let outputs = try weights.map { try Linear($0, compute: Compute(mode: .float32))(input).values }
        for index in 0..<2 {
          sums[index] += zip(outputs[index + 1], outputs[0]).reduce(0) {
            $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
          }
        }
      }
      #expect(sums[0] > 0 && sums[0] < 0.75 * sums[1], "\(name): \(sums)")
    }
  }

  private func file(_ name: String) throws -> NativeFile { try NativeFile(path: folder.path(name)) }

  private func matrix(_ name: String, _ store: any TensorStore) throws -> WeightMatrix {
    let (entry, bytes) = try store.tensor(named: name)
    return try WeightMatrix(
      encoding: entry.encoding, rows: entry.shape.rows, columns: entry.shape.columns, bytes: bytes)
  }

  @Test("The file says what it was calibrated with, and a journal of other settings is refused")
  func record() throws {
    // Stopped after more and more checks, until some tensors are finished.
    var finished = 0
    for checks in stride(from: 400, to: 900, by: 100) where finished == 0 {
      do {
        try quantize(to: "out.cogvlm", cancellation: StopAfter(checks))
      } catch let stopped as Conversion.Stopped {
        finished = stopped.finished
      } catch is StopAfter.Stop {}
    }
    try #require(finished > 0)
    var settings = GPTQ.Settings()
    settings.damping = 0.2
    let error = #expect(throws: CogError.self) {
      _ = try quantize(to: "out.cogvlm", settings: settings, resumes: true).seconds
    }
    #expect(error?.subject == "recipe: calibration")
    try quantize(to: "out.cogvlm", resumes: true)
    let recipe = try file("out.cogvlm").metadata.recipe
    #expect(recipe.method.hasPrefix("GPTQ"))
    let calibration = try #require(recipe.calibration)
    #expect(calibration["set"] == (try Self.set.digest()))
    #expect(calibration["videos"] == "2" && calibration["prompts"] == "6" && calibration["damping"] == "0.1")
  }

  @Test("A folder of somebody else's at the place of the activations is refused, and stays")
  func foreignActivations() throws {
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false)
    // One that was just made is taken.
    try quantize(to: "one.cogvlm")
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false)
    let mine = scratch + "/stage-3"
    try Data("mine".utf8).write(to: URL(filePath: mine))
    for resumes in [false, true] {
      let error = #expect(throws: CogError.self) { try quantize(to: "two.cogvlm", resumes: resumes) }
      #expect(error?.file == scratch && error?.found == "stage-3")
      #expect(try Data(contentsOf: URL(filePath: mine)) == Data("mine".utf8))
    }
    #expect(try !folder.contents().contains("two.cogvlm"))
  }

  @Test("Videos that cannot be decoded are left out and told; with none left the work is refused")
  func broken() throws {
    var clips = Self.set.clips
    clips.append(.init(name: "none.mp4", path: folder.path("none.mp4"), questions: ["What?"]))
    let summary = try quantize(to: "out.cogvlm", set: CalibrationSet(clips: clips))
    #expect(summary.warnings.contains { $0.hasPrefix("none.mp4 was left out of the calibration") })
    let error = #expect(throws: CogError.self) {
      try quantize(to: "other.cogvlm", set: CalibrationSet(clips: [clips[2]]))
    }
    #expect(error?.file == folder.path("none.mp4"))
    #expect(try folder.contents() == ["out.cogvlm"])
  }
}

@Suite("Factors of second moments")
struct InputFactorTests {
  private func factor(_ rows: [[Float]], damping: Float = 0.1) throws -> InputFactor {
    let gram = GramMatrix(size: rows[0].count)
    let context = RunContext(threads: ThreadPool(threadCount: 1))
    gram.add(
      FloatMatrix(rows.flatMap { $0 }, rows: rows.count, columns: rows[0].count), threads: context.threads)
    return try InputFactor(gram, damping: damping, name: "a layer", context: context)
  }

  @Test("Columns are ordered by their second moment, and dead ones are counted")
  func order() throws {
    let factor = try factor([[1, 0, 3, 2], [1, 0, 3, -2]])
    #expect(factor.order == [1, 0, 3, 2] && factor.deadColumns == 1)
    // The dead column has nothing but the damping: 0.1 of the mean of 2, 0, 18 and 8.
    #expect(abs(factor.factor[0, 0] * factor.factor[0, 0] - 0.7) < 1e-5 && factor.factor[1, 0] == 0)
  }

  @Test("Few tokens need no more damping, no tokens give plain rounding, infinity is refused")
  func degenerate() throws {
    let few = try factor([[1, 2, 3, 4, 5]])
    #expect(few.damping == 0.1)
    let none = try factor([[0, 0, 0]])
    #expect(none.deadColumns == 3 && none.factor[2, 2] == 1 && none.factor[2, 0] == 0)
    let error = #expect(throws: CogError.self) { try factor([[1, .infinity]]) }
    #expect(error?.code == .notFinite && error?.subject == "a layer")
  }
}
