import CogBase
import CogCheckpoint
import CogCompute
import CogModel
import CogNative
import CogQuantize
import CogTestSupport
import Foundation
import Glibc
import Testing

@Suite("Conversions that go on where they were stopped")
struct ResumeTests {
  private let folder: TemporaryFolder
  /// A copy of the tiny checkpoint, to be changed.
  private let checkpoint: String
  private var out: String { folder.path("out.cogvlm") }
  private var part: String { out + ".part" }
  private var journal: String { out + ".part.journal" }

  init() throws {
    folder = try TemporaryFolder()
    checkpoint = folder.path("checkpoint")
    try FileManager.default.copyItem(atPath: Fixtures.path("tiny/checkpoint"), toPath: checkpoint)
  }

  private func convert(
    _ recipe: QuantizationRecipe, to path: String? = nil, resumes: Bool = true,
    nonFinite: Conversion.NonFinitePolicy = .refuse, tool: String = "test 1",
    cancellation: any Cancellation = NeverCancelled()
  ) throws -> ConversionSummary {
    var options = Conversion.Options(tool: tool, nonFinite: nonFinite)
    options.resumes = resumes
    return try Conversion(
      source: .open(path: checkpoint), recipe: recipe, options: options,
      context: .test(cancellation: cancellation)
    ).run(into: NativeSink(path: path ?? out))
  }

  /// Stops a conversion after some checks; nil when it was done by then.
  private func stop(
    _ recipe: QuantizationRecipe, after checks: Int, nonFinite: Conversion.NonFinitePolicy = .refuse
  ) throws -> Conversion.Stopped? {
    do {
      _ = try convert(recipe, nonFinite: nonFinite, cancellation: StopAfter(checks))
      return nil
    } catch let stopped as Conversion.Stopped { return stopped }
  }

  /// The conversion is refused, and leaves part and journal as they were.
  private func refusal(
    _ recipe: QuantizationRecipe, tool: String = "test 1"
  ) throws -> CogError? {
    let before = try [part, journal].map { try Data(contentsOf: URL(filePath: $0)) }
    let error = #expect(throws: CogError.self) { try convert(recipe, tool: tool) }
    #expect(try [part, journal].map { try Data(contentsOf: URL(filePath: $0)) } == before)
    #expect(try !folder.contents().contains("out.cogvlm"))
    return error
  }

  @Test(
    "stopped again and again, the file and the summary are those of one run",
    arguments: [
      ("int4", Conversion.NonFinitePolicy.refuse), ("int8", .refuse), ("int4-small", .keep), ("f16", .refuse),
      ("source", .keep),
    ])
  func goingOn(name: String, policy: Conversion.NonFinitePolicy) throws {
    let recipe: QuantizationRecipe =
      switch name {
      case "f16": try .init(floats: .float16)
      case "source": try .init(floats: nil)
      default: try .init(preset: name)
      }
    let whole = folder.path("whole.cogvlm")
    let expected = try convert(recipe, to: whole, nonFinite: policy)
    var finished = -1
    var stops = 0
    // Each run gets further than the one before: what is finished takes a check too.
    while let stopped = try stop(recipe, after: 40 * (stops + 1), nonFinite: policy) {
      #expect(stopped.finished >= finished && stopped.total == expected.tensors.count)
      (finished, stops) = (stopped.finished, stops + 1)
      try #require(stops < 100)
    }
    #expect(stops >= 2 && finished > 0)
    #expect(FileManager.default.contentsEqual(atPath: whole, andPath: out))
    #expect(try folder.contents() == ["checkpoint", "out.cogvlm", "whole.cogvlm"])
    // The last run's own summary.
    _ = try stop(recipe, after: 60, nonFinite: policy)
    let summary = try convert(recipe, nonFinite: policy)
    #expect(summary.tensors == expected.tensors && summary.parts == expected.parts)
    #expect(summary.fileBytes == expected.fileBytes && summary.warnings == expected.warnings)
  }

  @Test("another recipe, method, tool or option is refused by name")
  func otherIdentity() throws {
    let recipe = try QuantizationRecipe(preset: "int4")
    _ = try #require(try stop(recipe, after: 40))
    var other = recipe
    try other.set(.vision, to: .source)
    let vision = try refusal(other)
    #expect(vision?.file == part && vision?.subject == "recipe: vision" && vision?.found == "\"source\"")
    var exceptions = recipe
    exceptions.overrides = [try .init(parsing: "lm_head.weight=source")]
    #expect(try refusal(exceptions)?.subject == "recipe: exceptions")
    #expect(try refusal(recipe, tool: "test 2")?.subject == "tool")
    #expect(throws: CogError.self) { try convert(recipe, nonFinite: .keep) }
    // Without --resume the work begins anew.
    _ = try convert(other, resumes: false)
    #expect(try folder.contents() == ["checkpoint", "out.cogvlm"])
  }

  @Test("a source that has changed is refused by name: its size, its time, and bytes behind an old time")
  func otherSource() throws {
    let recipe = try QuantizationRecipe(preset: "int4")
    _ = try #require(try stop(recipe, after: 60))
    let shard = checkpoint + "/model-00001-of-00003.safetensors"
    let original = try Data(contentsOf: URL(filePath: shard))
    var status = stat()
    #expect(stat(shard, &status) == 0)
    let times = [status.st_atim, status.st_mtim]

    utimensat(AT_FDCWD, shard, [timespec(), timespec()], 0)
    let time = try refusal(recipe)
    #expect(time?.file == shard && time?.subject == "time of change")

    try (original + Data([0])).write(to: URL(filePath: shard))
    // A longer file is found out when it is opened: another source that grows is config.json.
    try original.write(to: URL(filePath: shard))
    utimensat(AT_FDCWD, shard, times, 0)
    let config = checkpoint + "/config.json"
    let text = try Data(contentsOf: URL(filePath: config))
    try (text + Data("\n".utf8)).write(to: URL(filePath: config))
    let size = try refusal(recipe)
    #expect(size?.file == config && size?.subject == "size" && size?.expected == "\(text.count)")
    var configStatus = stat()
    try text.write(to: URL(filePath: config))
    #expect(stat(config, &configStatus) == 0)

    // One byte of a finished tensor, and nobody would know from size and time.
    _ = try convert(recipe, resumes: false, tool: "test 1")
    try FileManager.default.removeItem(atPath: out)
    _ = try #require(try stop(recipe, after: 60))
    let first = try #require(try Checkpoints.open(path: checkpoint).entries.first)
    var changed = original
    changed[(first.offset ?? 0) + 100] ^= 1
    try changed.write(to: URL(filePath: first.file))
    utimensat(AT_FDCWD, first.file, times, 0)
    let bytes = try refusal(recipe)
    #expect(bytes?.file == first.file && bytes?.subject == first.name && bytes?.code == .damaged)
  }

  @Test("a damaged part or journal is refused by name, a part that is gone begins anew")
  func damage() throws {
    let recipe = try QuantizationRecipe(preset: "int4")
    let whole = folder.path("whole.cogvlm")
    _ = try convert(recipe, to: whole)
    _ = try #require(try stop(recipe, after: 60))
    let lines = try String(contentsOfFile: journal, encoding: .utf8).split(separator: "\n")
    try #require(lines.count > 3)
    let entries = try lines.dropFirst().map {
      try #require(JSONSerialization.jsonObject(with: Data($0.dropFirst(9).utf8)) as? [String: Any])
    }
    // The one that lies last: no other is hurt when the part ends within it.
    let entry = try #require(
      entries.max { ($0["offset"] as? Int ?? 0) < ($1["offset"] as? Int ?? 0) })
    let offset = try #require(entry["offset"] as? Int)
    let good = try Data(contentsOf: URL(filePath: part))
    for data in [
      good.prefix(offset) + Data([~good[offset]]) + good[(offset + 1)...], good.prefix(offset + 1),
    ] {
      try Data(data).write(to: URL(filePath: part))
      let error = try refusal(recipe)
      #expect(error?.code == .damaged && error?.file == part && error?.subject == entry["name"] as? String)
    }
    try good.write(to: URL(filePath: part))
    let text = try String(contentsOfFile: journal, encoding: .utf8)
    for (change, subject) in [
      (text.replacing("\"tool\"", with: "\"fool\""), "line 1"),
      (String(text.prefix(text.count / 2)) + "?" + text.suffix(text.count / 2), nil),
    ] {
      try Data(change.utf8).write(to: URL(filePath: journal))
      let error = try refusal(recipe)
      #expect(error?.code == .damaged && error?.file == journal)
      if let subject { #expect(error?.subject == subject) }
    }
    try Data(text.utf8).write(to: URL(filePath: journal))
    try FileManager.default.removeItem(atPath: part)
    _ = try convert(recipe)
    #expect(FileManager.default.contentsEqual(atPath: whole, andPath: out))
  }

  @Test("input that is refused leaves nothing, even when earlier work was taken up")
  func refusedInput() throws {
    let recipe = try QuantizationRecipe(preset: "int4")
    let first = try #require(try Checkpoints.open(path: checkpoint).entries.last)
    var bytes = try Data(contentsOf: URL(filePath: first.file))
    bytes.replaceSubrange((first.offset ?? 0)..<(first.offset ?? 0) + 2, with: [0xC0, 0x7F])
    try bytes.write(to: URL(filePath: first.file))
    _ = try #require(try stop(recipe, after: 60))
    let error = #expect(throws: CogError.self) { try convert(recipe) }
    #expect(error?.file == first.file)
    #expect(try folder.contents() == ["checkpoint"])
  }
}
