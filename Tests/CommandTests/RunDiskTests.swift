import CogTestSupport
import Foundation
import Testing

/// A run on a disk that fills up.
@Suite struct RunDiskTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func merged(_ run: String) throws -> String {
    let output = folder.path("\(UUID().uuidString).jsonl")
    let outcome = try Command.run(["merge", run, "-o", output])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try String(contentsOfFile: output, encoding: .utf8)
  }

  private func lines(_ run: String) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "\(run)/parts").map {
      try String(contentsOfFile: "\(run)/parts/\($0)", encoding: .utf8).count { $0 == "\n" }
    }.reduce(0, +)
  }

  @Test(
    "where a disk is full a run ends with 2 and keeps what was finished, and goes on when there is room",
    .enabled(if: SmallDisk.isPossible, "file systems cannot be mounted here"))
  func full() throws {
    let entries = (0..<100).map {
      #"{"video":"v22_h264.mp4","task":"t","question":"What color is the circle? \#($0)","answer":"x"}"#
    }
    let list = try folder.write("[\(entries.joined(separator: ","))]".utf8, as: "questions.json")
    let command = [
      "eval", try SampleModel.int4.get(), "--questions", list, "--videos", Fixtures.path("sample/videos"),
      "--max-new-tokens", "2", "--run",
    ]
    let elsewhere = folder.path("run")
    #expect(try Command.run(command + [elsewhere]).status == 0)
    let disk = try SmallDisk("size=36k")
    let run = "\(disk.path)/run"
    var kept = 0
    for _ in 0..<2 {
      let outcome = try Command.run(command + [run])
      #expect(outcome.status == 2 && outcome.errors.contains("\(run)/parts/"), "\(outcome.errors)")
      let count = try lines(run)
      #expect((1..<100).contains(count) && count >= kept)
      kept = count
    }
    let more = try Program.run(
      URL(filePath: "/usr/bin/env"), ["mount", "-o", "remount,size=1m", disk.path])
    try #require(more.status == 0, "\(more.errors)")
    #expect(try Command.run(command + [run]).status == 0)
    #expect(try lines(run) == 100)
    #expect(try merged(run) == merged(elsewhere))
  }
}
