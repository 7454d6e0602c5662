import CogTestSupport
import Foundation
import Testing

/// `--resume`: work that is ended at any moment goes on, and gives the same bytes.
@Suite struct ResumeTests {
  private let folder: TemporaryFolder
  private static let source = Fixtures.path("sample/checkpoint")
  private static let commands = [
    ["quantize"], ["convert"], ["convert", "--to", "safetensors", "--shard-size", "1MB"],
  ]

  init() throws { folder = try TemporaryFolder() }

  /// Whether two files, or the files of two folders, have the same bytes.
  private func isSame(_ first: String, _ second: String) -> Bool {
    FileManager.default.contentsEqual(atPath: first, andPath: second)
  }

  @Test("Killed at random moments and taken up, a command writes the bytes of one run", arguments: commands)
  func kills(_ command: [String]) throws {
    let (whole, out) = (folder.path("whole"), folder.path("out"))
    let start = Date()
    #expect(try Command.run(command + [Self.source, "-o", whole]).status == 0)
    let duration = -start.timeIntervalSinceNow
    for kill in 0..<6 {
      let outcome = try Command.run(command + [Self.source, "-o", out, "--resume"]) { process in
        usleep(UInt32(Double.random(in: 0...duration) * 1e6))
        Foundation.kill(process.processIdentifier, kill % 3 == 2 ? SIGTERM : SIGKILL)
      }
      // What stands under the name is whole, whenever the signal came.
      if FileManager.default.fileExists(atPath: out) {
        #expect(isSame(whole, out))
        break
      }
      // SIGTERM is a signal like another until the command is ready for it.
      #expect([1000 + SIGKILL, 1000 + SIGTERM, 130].contains(outcome.status), "\(outcome.errors)")
    }
    if !FileManager.default.fileExists(atPath: out) {
      let outcome = try Command.run(command + [Self.source, "-o", out, "--resume"])
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    #expect(isSame(whole, out))
    #expect(try !folder.contents().contains("out.part"))
  }

  @Test("A disk that is full leaves the unfinished work and the command that goes on", arguments: commands)
  func fullDisk(_ command: [String]) throws {
    let (whole, out) = (folder.path("whole"), folder.path("an output"))
    #expect(try Command.run(command + [Self.source, "-o", whole]).status == 0)
    // No file may have more than some 512 KB, which is in the middle of each of them.
    let arguments = command + [Self.source, "-o", out]
    let outcome = try Command.run(
      ["-c", "ulimit -f 1000; exec \"$@\"", "sh", Command.binary.path] + arguments,
      executable: URL(filePath: "/bin/sh"))
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("cannot write: File too large"))
    let note = try #require(outcome.errors.split(separator: "\n").last)
    #expect(note.contains("\(out).part") && note.hasSuffix(" -o '\(out)' --resume"))
    #expect(try folder.contents() == ["an output.part", "an output.part.journal", "whole"])
    // The very command that the note says.
    let words = try #require(note.range(of: "to go on: ")).upperBound
    let resumed = try Command.run(["-c", String(note[words...])], executable: URL(filePath: "/bin/sh"))
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(isSame(whole, out))
    #expect(try folder.contents() == ["an output", "whole"])
  }

  @Test("A word that no option is, behind --, stays behind the flag that goes on")
  func behindDashes() throws {
    let out = folder.path("out")
    let outcome = try Command.run(
      [
        "-c", "ulimit -f 1000; exec \"$@\"", "sh", Command.binary.path, "quantize", "-o", out, "--",
        Self.source,
      ], executable: URL(filePath: "/bin/sh"))
    #expect(outcome.status == 2)
    #expect(outcome.errors.hasSuffix(" quantize -o \(out) --resume -- \(Self.source)\n"), "\(outcome.errors)")
    let words = try #require(outcome.errors.range(of: "to go on: ")).upperBound
    let resumed = try Command.run(
      ["-c", String(outcome.errors[words...])], executable: URL(filePath: "/bin/sh"))
    #expect(resumed.status == 0, "\(resumed.errors)")
    // A run that has failed items alone is told how to try them again.
    let videos = try ["good.mp4", "bad.mp4"].map { name in
      let good = try Data(contentsOf: URL(filePath: SampleModel.video("v22_h264.mp4")))
      return try folder.write(name == "bad.mp4" ? good.prefix(100) : good, as: name)
    }
    let options = ["--run", folder.path("run"), "--max-new-tokens", "1"]
    let arguments = try ["caption"] + options + ["--", SampleModel.float.get()] + videos
    let failed = try Command.run(arguments)
    #expect(failed.status == 3, "\(failed.errors)")
    #expect(failed.errors.contains(" --max-new-tokens 1 --retry-failed -- "), "\(failed.errors)")
  }

  @Test("What has changed since, and a folder that is not empty, are refused by name")
  func refusals() throws {
    let out = folder.path("out")
    let outcome = try Command.run(
      ["-c", "ulimit -f 1000; exec \"$@\"", "sh", Command.binary.path, "quantize", Self.source, "-o", out],
      executable: URL(filePath: "/bin/sh"))
    #expect(outcome.status == 2)
    for (options, naming) in [
      (["--preset", "int8"], "recipe: linear"), (["--method", "absmax"], "recipe: method"),
      (["--set", "lm_head.weight=source"], "recipe: exceptions"),
      (["--keep-non-finite"], "--keep-non-finite"),
    ] {
      try expectRefusal(
        ["quantize", Self.source, "-o", out, "--resume"] + options, naming: out + ".part", saying: naming,
        in: folder)
    }
    let full = folder.path("full")
    try FileManager.default.createDirectory(atPath: full, withIntermediateDirectories: false)
    _ = try folder.write("mine".utf8, as: "full/note")
    try expectRefusal(
      ["convert", Self.source, "--to", "safetensors", "-o", full], naming: full, saying: "not empty",
      in: folder)
  }
}
