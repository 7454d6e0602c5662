import CogBase
import CogCalibrate
import CogCompute
import CogEngine
import CogEvaluate
import CogMedia
import CogModel
import CogNative
import CogQuantize
import CogTestSupport
import Foundation
import Synchronization
import Testing

/// The sample model in its own types, made once.
private enum FloatModel {
  private static let folder = Result { try TemporaryFolder() }
  private static let model = Result {
    let path = try folder.get().path("sample.cogvlm")
    let source = try ModelSource.open(path: Fixtures.path("sample/checkpoint"))
    try Conversion(
      source: source, recipe: QuantizationRecipe(floats: nil), options: .init(tool: "test"),
      context: RunContext()
    ).run(into: NativeSink(path: path))
    return path
  }

  static func file() throws -> NativeFile { try NativeFile(path: model.get()) }
}

/// Sums up what it is shown, one value after another, without looking at how the collector does it.
private final class PlainTwin: InputObserver {
  struct Sums {
    var count = 0
    var sum: [Double]
    var squares: [Double]
    var largest: [Float]
  }
  struct State {
    var types: [Int]?
    var sums: [String: [Int: Sums]] = [:]
  }
  let state = Mutex(State())

  func observe(_ input: FloatMatrix, of name: String) {
    state.withLock { state in
      for row in 0..<input.rows {
        let type = state.types.map { $0[$0.count - input.rows + row] } ?? 1
        let zeros = [Double](repeating: 0, count: input.columns)
        var sums =
          state.sums[name, default: [:]][type]
          ?? Sums(sum: zeros, squares: zeros, largest: zeros.map(Float.init))
        sums.count += 1
        for column in 0..<input.columns {
          let value = input[row, column]
          sums.sum[column] += Double(value)
          sums.squares[column] += Double(value) * Double(value)
          sums.largest[column] = max(sums.largest[column], abs(value))
        }
        state.sums[name, default: [:]][type] = sums
      }
    }
  }
}

@Suite("Calibration runs") struct CalibrationRunTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func clip(_ name: String, _ questions: [String] = ["What color is it?"])
    -> CalibrationSet.Clip
  {
    .init(name: name, path: Fixtures.path("sample/videos/\(name)"), questions: questions)
  }

  private func run(
    _ clips: [CalibrationSet.Clip], mode: ComputeMode = .float32, resumes: Bool = false,
    to name: String = "a.cogcal", failed: (CalibrationRun.Failure) -> Void = { _ in },
    open: @escaping (String) throws -> VideoInput = { VideoInput(path: $0) }
  ) throws -> CalibrationSummary {
    var options = CalibrationRun.Options(tool: "test")
    options.resumes = resumes
    let pool = ThreadPool(threadCount: 2)
    return try CalibrationRun(CalibrationSet(clips: clips), options: options, threads: pool, openVideo: open)
    {
      try Engine(file: FloatModel.file(), mode: mode, context: RunContext(threads: pool), observer: $0)
    }.run(to: folder.path(name), failed: failed)
  }

  private func expect(_ moments: ChannelMoments?, _ sums: PlainTwin.Sums?, _ name: String) throws {
    guard let sums else { return #expect(moments == nil, "\(name)") }
    let moments = try #require(moments, "\(name)")
    #expect(moments.count == sums.count, "\(name)")
    let scale = sums.squares.max() ?? 0
    for channel in sums.sum.indices {
      let root = (Double(sums.count) * scale).squareRoot()
      #expect(abs(moments.sum[channel] - sums.sum[channel]) <= 1e-5 * root, "\(name) \(channel)")
      #expect(abs(moments.sumOfSquares[channel] - sums.squares[channel]) <= 1e-5 * scale, "\(name)")
      #expect(
        abs(moments.largest[channel] - sums.largest[channel]) <= 1e-4 * (sums.largest.max() ?? 0), "\(name)")
    }
  }

  @Test("Moments are those of every layer's inputs as the model answers, image and text apart")
  func twin() throws {
    let questions = ["What color is the circle?", "Which way does the circle move?"]
    _ = try run([Self.clip("v22_h264.mp4", questions)])
    let calibration = try Calibration(path: folder.path("a.cogcal"))

    // Each prompt as a whole, the second one's beginning left out of the sums afterwards.
    let twin = PlainTwin()
    let engine = try Engine(file: FloatModel.file(), mode: .float32, observer: twin)
    let features = try VideoEncoder(engine).encode(VideoInput(path: Self.clip("v22_h264.mp4").path))
    let prompts = try questions.map { try engine.prompt(frameCount: features.frameCount, query: $0) }
    let shared = zip(prompts[0].ids, prompts[1].ids).prefix { $0 == $1 }.count
    #expect(shared > 200 && prompts.allSatisfy { $0.count > shared })
    #expect(prompts[0].ids[..<shared] == prompts[1].ids[..<shared])
    #expect(prompts[0].ids[shared] != prompts[1].ids[shared])
    for (number, prompt) in prompts.enumerated() {
      // What was read before counts as a kind of its own.
      let types = prompt.tokenTypes.enumerated().map { number > 0 && $0 < shared ? 2 : $1 }
      twin.state.withLock { $0.types = types }
      _ = try Session(engine, capacity: prompt.count).prefill(
        ModelInput(prompt, features: features), tap: { _ in })
    }
    let sums = twin.state.withLock { $0.sums }
    let expected = TensorTable(engine.configuration).specifications.filter {
      $0.role.isMatrix && $0.role != .tokenEmbedding && $0.role.inputRole == $0.role
    }
    #expect(calibration.table.names.sorted() == expected.map(\.name).sorted())
    for name in calibration.table.names {
      try expect(calibration.table[name]?.image, sums[name]?[1], name)
      try expect(calibration.table[name]?.text, sums[name]?[0], name)
    }
    let counts = calibration.fields.counts
    #expect(counts.videos == 1 && counts.prompts == 2 && counts.frames == features.frameCount)
    #expect(counts.imageTokens == features.frameCount * 66)
    #expect(counts.imageTokens + counts.textTokens == prompts[0].count + prompts[1].count - shared)
    #expect(calibration.table["lm_head.weight"]?.text?.count == 2)
  }

  @Test("The same videos give the same bytes")
  func sameBytes() throws {
    let clips = [Self.clip("v22_h264.mp4"), Self.clip("v21_h264.mp4")]
    _ = try run(clips)
    _ = try run(clips, to: "b.cogcal")
    #expect(
      FileManager.default.contentsEqual(
        atPath: folder.path("a.cogcal"), andPath: folder.path("b.cogcal")))
  }

  @Test("Stopped after any video and taken up, a run writes the bytes of one run", arguments: [0, 1, 2])
  func resumes(_ videos: Int) throws {
    struct Enough: Error {}
    let clips = ["v22_h264.mp4", "v21_h264.mp4", "none.mp4", "v03_h264.mp4"].map { Self.clip($0) }
    _ = try run(clips, to: "whole.cogcal")
    let opened = Mutex(0)
    let error = #expect(throws: CalibrationRun.Stopped.self) {
      try run(
        clips,
        open: { path in
          // Each video is opened once before the first one is looked at.
          guard
            opened.withLock({
              $0 += 1; return $0
            }) <= clips.count + videos
          else { throw Enough() }
          return VideoInput(path: path)
        })
    }
    // The video that is not there is done with at once.
    #expect(error?.finished == (videos == 2 ? 3 : videos))
    #expect(error?.cause is Enough)
    #expect(try folder.contents() == ["a.cogcal.part", "a.cogcal.part.journal", "whole.cogcal"])
    var told: [String] = []
    let summary = try run(clips, resumes: true) { told.append($0.video) }
    #expect(told == ["none.mp4"] && summary.failed.map(\.video) == ["none.mp4"])
    #expect(try folder.contents() == ["a.cogcal", "whole.cogcal"])
    #expect(
      FileManager.default.contentsEqual(
        atPath: folder.path("a.cogcal"), andPath: folder.path("whole.cogcal")))
  }

  @Test("Unfinished work is not taken up with other settings, other videos or damaged")
  func refusals() throws {
    struct Enough: Error {}
    let clips = [Self.clip("v22_h264.mp4"), Self.clip("v21_h264.mp4")]
    let opened = Mutex(0)
    #expect(throws: CalibrationRun.Stopped.self) {
      try run(
        clips,
        open: { path in
          guard
            opened.withLock({
              $0 += 1; return $0
            }) <= 3
          else { throw Enough() }
          return VideoInput(path: path)
        })
    }
    let part = folder.path("a.cogcal.part")
    for (what, attempt) in [
      ("--mode", { try run(clips, mode: .bfloat16, resumes: true) }),
      ("videos and questions", { try run(clips.reversed(), resumes: true) }),
      ("videos and questions", { try run([clips[0]], resumes: true) }),
    ] as [(String, () throws -> CalibrationSummary)] {
      let error = #expect(throws: CogError.self) { try attempt() }
      #expect(error?.subject == what && error?.file == part)
    }
    // The first of two videos lies behind the place of the last one.
    let handle = try FileHandle(forUpdating: URL(filePath: part))
    let size = try handle.seekToEnd()
    try handle.seek(toOffset: size - 1)
    let last = try #require(try handle.read(upToCount: 1)?.first)
    try handle.seek(toOffset: size - 1)
    try handle.write(contentsOf: Data([last ^ 1]))
    let error = #expect(throws: CogError.self) { try run(clips, resumes: true) }
    #expect(error?.code == .damaged && error?.file == part)
    #expect(try folder.contents() == ["a.cogcal.part", "a.cogcal.part.journal"])
    // Without --resume it begins anew.
    #expect(try run(clips).counts.videos == 2)
  }

  @Test("Two files merged are one run over the videos of both, to the bit where the second has one video")
  func merging() throws {
    let clips = ["v22_h264.mp4", "v21_h264.mp4", "v03_h264.mp4"].map { Self.clip($0) }
    _ = try run(clips, to: "all.cogcal")
    _ = try run(Array(clips[..<2]), to: "first.cogcal")
    _ = try run([clips[2]], to: "second.cogcal")
    let files = ["first.cogcal", "second.cogcal"].map(folder.path)
    let summary = try Calibration.merge(files, to: folder.path("sum.cogcal"), tool: "test")
    let (all, sum) = try (
      Calibration(path: folder.path("all.cogcal")), Calibration(path: folder.path("sum.cogcal"))
    )
    #expect(sum.table == all.table)
    #expect(sum.fields.counts == all.fields.counts && sum.fields.model == all.fields.model)
    #expect(sum.fields.sets.map(\.videos) == [2, 1] && summary.sets == sum.fields.sets)

    let twice = #expect(throws: CogError.self) {
      try Calibration.merge(files + [files[0]], to: folder.path("no.cogcal"), tool: "test")
    }
    #expect(twice?.file == files[0] && twice?.subject == "sets")
    _ = try run([clips[2]], mode: .bfloat16, to: "other.cogcal")
    let other = #expect(throws: CogError.self) {
      try Calibration.merge(
        [files[0], folder.path("other.cogcal")], to: folder.path("no.cogcal"), tool: "test")
    }
    #expect(other?.subject == "settings.mode" && other?.file == folder.path("other.cogcal"))
    #expect(other?.expected?.contains(files[0]) == true)
    let onInput = #expect(throws: CogError.self) { try Calibration.merge(files, to: files[0], tool: "test") }
    #expect(onInput?.file == files[0])
    #expect(try !folder.contents().contains("no.cogcal"))
  }

  @Test("Of other weights the model's digest is another one, and files of both are not merged")
  func otherModels() throws {
    _ = try run([Self.clip("v22_h264.mp4")])
    var other = try Calibration(path: folder.path("a.cogcal"))
    other.fields.model.digest = String(repeating: "0", count: 64)
    other.fields.sets[0].digest = other.fields.model.digest
    try other.write(to: folder.path("b.cogcal"))
    let error = #expect(throws: CogError.self) {
      try Calibration.merge(
        ["a.cogcal", "b.cogcal"].map(folder.path), to: folder.path("c.cogcal"), tool: "test")
    }
    #expect(error?.code == .wrongModel && error?.subject == "model.digest")
  }

  @Test("Where not one video can be looked at nothing is left, and the first one's reason is told")
  func nothing() throws {
    let error = #expect(throws: CogError.self) { try run([Self.clip("none.mp4"), Self.clip("no.mp4")]) }
    #expect(error?.file?.hasSuffix("none.mp4") == true)
    let tooLong = String(repeating: "a b c d ", count: 2000)
    let room = #expect(throws: CogError.self) { try run([Self.clip("v22_h264.mp4", [tooLong])]) }
    #expect(room?.found?.contains("room") == true)
    #expect(try folder.contents() == [])
  }
}
