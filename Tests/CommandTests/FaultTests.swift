import CogTestSupport
import Foundation
import Testing

/// Disks that are full or fail, processes that meet, signals, and sources that change.
@Suite(.enabled(if: Fault.library != nil, "needs a C compiler"), .serialized)
struct FaultTests {
  private let folder: TemporaryFolder
  private static let source = Fixtures.path("sample/checkpoint")
  private static let conversions = [
    ["quantize"], ["convert"], ["convert", "--to", "safetensors", "--shard-size", "1MB"],
  ]
  private static let pages = [
    ["stats", Fixtures.path("tiny/checkpoint"), "--html"],
    ["diff", Fixtures.path("tiny/checkpoint"), Fixtures.path("tiny/checkpoint"), "--html"],
  ]

  init() throws { folder = try TemporaryFolder() }

  private func isSame(_ first: String, _ second: String) -> Bool {
    FileManager.default.contentsEqual(atPath: first, andPath: second)
  }

  private func isThere(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.path(name))
  }

  /// Runs the same command to its end, taking up what is left, and compares with a run without faults.
  private func expectResumed(_ command: [String], _ call: Comment) throws {
    let out = folder.path("out")
    if !isThere("out") {
      let outcome = try Command.run(command + [Self.source, "-o", out, "--resume"])
      #expect(outcome.status == 0, "\(call): \(outcome.errors)")
    }
    #expect(isSame(folder.path("whole"), out), call)
    #expect(try folder.contents() == ["out", "whole"], call)
    try FileManager.default.removeItem(atPath: out)
  }

  @Test(
    "Whatever call fails, and however, nothing half stands under the name and the work goes on",
    arguments: conversions)
  func everyCall(_ command: [String]) throws {
    #expect(try Command.run(command + [Self.source, "-o", folder.path("whole")]).status == 0)
    var namedCount = 0
    for calls in ["pwrite", "ftruncate", "fsync", "fdatasync", "rename", "mkdir"] {
      for what in ["errno \(EIO)", "errno \(ENOSPC) on"] {
        var (number, step) = (1, 1)
        while true {
          let (outcome, happened) = try Fault(calls: calls, what: what).run(
            command + [Self.source, "-o", folder.path("out")], at: number)
          let call: Comment = "\(command) \(calls) \(number) \(what): \(outcome.errors)"
          guard happened else { break }
          #expect(outcome.status == 2 && outcome.output == "", call)
          #expect(outcome.errors.contains("error: ") && outcome.errors.contains("cannot "), call)
          // Of the folder when the output has its name already: there is nothing to take up.
          let isNamed = calls == "fsync" && outcome.errors.contains("the output is finished")
          #expect(isThere("out") == isNamed && !(isNamed && outcome.errors.contains("to go on")), call)
          namedCount += isNamed ? 1 : 0
          try expectResumed(command, call)
          (number, step) = (number + step, calls == "fsync" ? 1 : step * 2)
        }
        if isThere("out") { try expectResumed(command, "no fault") }
      }
    }
    #expect(namedCount == 2, "the last fsync is of the folder that has the output")
  }

  @Test("Writes that take only half of the bytes give the same file", arguments: conversions)
  func shortWrites(_ command: [String]) throws {
    #expect(try Command.run(command + [Self.source, "-o", folder.path("whole")]).status == 0)
    for number in [1, 2, 5, 17, 60] {
      let (outcome, _) = try Fault(calls: "pwrite", what: "short").run(
        command + [Self.source, "-o", folder.path("out")], at: number)
      #expect(outcome.status == 0, "\(outcome.errors)")
      try expectResumed(command, "short write \(number)")
    }
  }

  @Test("A page whose writing fails leaves the one that was there, and nothing else", arguments: pages)
  func failingPages(_ command: [String]) throws {
    let page = folder.path("page.html")
    #expect(try Command.run(command + [page]).status == 0)
    let before = try Data(contentsOf: URL(filePath: page))
    for calls in ["write", "fsync", "rename"] {
      for what in ["errno \(EIO)", "errno \(ENOSPC) on"] {
        let (outcome, happened) = try Fault(calls: calls, what: what).run(command + [page], at: 1)
        #expect(happened && outcome.status == 2 && outcome.output == "", "\(calls): \(outcome.errors)")
        #expect(outcome.errors.contains(page))
        #expect(try folder.contents() == ["page.html"])
        #expect(try Data(contentsOf: URL(filePath: page)) == before)
      }
    }
  }

  @Test("Frames whose writing fails leave the ones that were there, and the same call writes them")
  func frames() throws {
    let out = folder.path("out")
    let command = ["frames", SampleModel.video("v22_h264.mp4"), "-o", out]
    for calls in ["mkdir", "write", "fsync", "rename"] {
      for (number, what) in [(1, "errno \(EIO)"), (1, "errno \(ENOSPC) on"), (4, "errno \(EIO)")] {
        try? FileManager.default.removeItem(atPath: out)
        let (outcome, happened) = try Fault(calls: calls, what: what).run(command, at: number)
        guard happened else { continue }
        #expect(outcome.status == 2 && outcome.errors.contains(out), "\(calls): \(outcome.errors)")
        let left = (try? FileManager.default.contentsOfDirectory(atPath: out)) ?? []
        // Those that had their names already may stay; none is half, and no table lists them.
        #expect(left.allSatisfy { $0.hasSuffix(".png") } && (calls == "rename" || left == []), "\(left)")
      }
    }
    #expect(try Command.run(command).status == 0)
    let before = try folder.inventory()
    let (stopped, _) = try Fault(calls: "write", what: "signal \(SIGINT)").run(command, at: 3)
    #expect(stopped.status == 130 && stopped.output == "", "\(stopped.errors)")
    #expect(try folder.inventory() == before)
  }

  @Test(
    "On a disk that is full nothing half is left",
    .enabled(if: SmallDisk.isPossible, "file systems cannot be mounted here"))
  func fullDisk() throws {
    let disk = try SmallDisk("size=64k")
    let video = SampleModel.video("v20_hd.mp4")
    for command in Self.conversions.map({ $0 + [Self.source, "-o"] }) + Self.pages + [
      ["frames", video, "-o"]
    ] {
      let outcome = try Command.run(command + ["\(disk.path)/out"])
      #expect(outcome.status == 2 && outcome.output == "", "\(command): \(outcome.errors)")
      #expect(outcome.errors.contains("\(disk.path)/out"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == [], "\(command)")
    }
    // The folder for temporary files is as small.
    let bench = try Command.run(
      ["bench", "--preset", "tiny", "--runs", "1"], environment: ["TMPDIR": disk.path])
    #expect(bench.status == 2 && bench.errors.contains(disk.path), "\(bench.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == [])
  }

  @Test("Whatever call of reading fails, the command says so and no signal ends it")
  func reading() throws {
    let (model, clip) = (try SampleModel.float.get(), SampleModel.video("v22_h264.mp4"))
    let images = try ImageFolders.make(in: folder)
    for command in [
      ["inspect", "--check", Self.source], ["frames", images, "--fps", "1", "-o", folder.path("out")],
      ["ask", model, "--video", clip, "Why?", "--max-new-tokens", "1"],
      ["quantize", Fixtures.path("tiny/checkpoint-bin"), "-o", folder.path("out.cogvlm")],
    ] {
      let expected = try Command.run(command)
      for calls in ["open", "mmap", "pread"] {
        for what in ["errno \(EIO)", "errno \(EMFILE) on"] {
          var number = 1
          while true {
            let (outcome, happened) = try Fault(calls: calls, what: what).run(command, at: number)
            guard happened else { break }
            let call: Comment = "\(command) \(calls) \(number) \(what): \(outcome.errors)"
            #expect(outcome.status == 0 || outcome.status == 2, call)
            #expect((outcome.status == 0) == !outcome.errors.contains("error: "), call)
            if outcome.status == 0, command[0] != "quantize" {
              #expect(outcome.output == expected.output, call)
            }
            number += 1 + number / 4
          }
        }
      }
    }
  }

  @Test(
    "In a folder that cannot be written, every command says so before its work",
    .enabled(if: geteuid() != 0 || SmallDisk.isPossible, "root may write everywhere"))
  func readOnly() throws {
    // What a user may not, root may: there a file system says it.
    let disk = geteuid() == 0 ? try SmallDisk("ro") : nil
    let place = disk?.path ?? folder.path("closed")
    if disk == nil { try #require(mkdir(place, 0o555) == 0) }
    for command in Self.conversions.map({ $0 + [Self.source, "-o"] }) + Self.pages {
      let outcome = try Command.run(command + ["\(place)/out"])
      #expect(outcome.status == 2 && outcome.output == "", "\(command): \(outcome.errors)")
      #expect(outcome.errors.contains("\(place)/out"), "\(outcome.errors)")
    }
  }

  @Test("Two processes do not write one output at once, under whatever names", arguments: conversions)
  func meeting(_ command: [String]) throws {
    let link = folder.path("link")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "out")
    let arguments = command + [Self.source, "-o", folder.path("out")]
    // The first one stops in its middle, until the second has been refused.
    let first = try Fault(calls: "pwrite", what: "signal \(SIGSTOP)").run(arguments, at: 9) { process, mark in
      try wait(for: mark)
      for place in [folder.path("out"), link] {
        let second = try Command.run(command + [Self.source, "-o", place])
        #expect(second.status == 2 && second.errors.contains("another process"), "\(second.errors)")
      }
      kill(process.processIdentifier, SIGCONT)
    }
    #expect(first.happened && first.outcome.status == 0, "\(first.outcome.errors)")
    #expect(try folder.contents() == ["link", "out"])
  }

  @Test("Two processes do not write frames into one folder at once")
  func meetingInFolder() throws {
    let command = ["frames", SampleModel.video("v22_h264.mp4"), "-o", folder.path("out")]
    let first = try Fault(calls: "fsync", what: "signal \(SIGSTOP)").run(command, at: 2) { process, mark in
      try wait(for: mark)
      let second = try Command.run(command)
      #expect(second.status == 2 && second.errors.contains("another process"), "\(second.errors)")
      kill(process.processIdentifier, SIGCONT)
    }
    #expect(first.outcome.status == 0, "\(first.outcome.errors)")
  }

  private func wait(for mark: String) throws {
    let patience = Date(timeIntervalSinceNow: 60)
    while !FileManager.default.fileExists(atPath: mark) && Date() < patience { usleep(1000) }
    try #require(FileManager.default.fileExists(atPath: mark))
  }

  @Test(
    "A source that changes, is replaced or grows while it is converted is refused", arguments: conversions)
  func changingSource(_ command: [String]) throws {
    for name in ["model-00003-of-00003.safetensors", "config.json"] {
      for what in ["touch", "replace"] {
        let copy = try folder.copy("sample/checkpoint")
        let (outcome, happened) = try Fault(calls: "pwrite", what: "\(what) \(copy)/\(name)").run(
          command + [copy, "-o", folder.path("out")], at: 3)
        #expect(happened && outcome.status == 2 && outcome.output == "", "\(what)")
        #expect(outcome.errors.contains("\(copy)/\(name): the source has changed"), "\(outcome.errors)")
        #expect(try folder.contents() == ["copy"])
        try FileManager.default.removeItem(atPath: copy)
      }
    }
  }

  @Test("A source that is cut off while it is mapped is named, and the work goes on with the whole one")
  func cutSource() throws {
    let command = Self.conversions[0]
    #expect(try Command.run(command + [Self.source, "-o", folder.path("whole")]).status == 0)
    let copy = try folder.copy("sample/checkpoint")
    let shard = "\(copy)/model-00003-of-00003.safetensors"
    let (outcome, _) = try Fault(calls: "pwrite", what: "cut \(shard)").run(
      command + [copy, "-o", folder.path("out")], at: 3)
    #expect(outcome.status == 2 && outcome.output == "", "\(outcome.errors)")
    #expect(outcome.errors.hasPrefix("error: \(shard): the file became shorter"), "\(outcome.errors)")
    #expect(outcome.errors.contains("found 4096"))
    #expect(!isThere("out"))
    try FileManager.default.removeItem(atPath: copy)
    let again = try Command.run(command + [Self.source, "-o", folder.path("out")])
    #expect(again.status == 0 && isSame(folder.path("whole"), folder.path("out")), "\(again.errors)")
  }

  @Test(
    "A file that is cut off at any moment is named by every command that reads it, and no signal ends one")
  func cutWhileReading() throws {
    let model = folder.path("model.cogvlm")
    let whole = try Data(contentsOf: URL(filePath: SampleModel.float.get()))
    for command in [
      ["inspect", "--check", model], ["stats", model], ["diff", model, model],
      ["ask", model, "Why?", "--max-new-tokens", "2"],
      ["quantize", model, "-o", folder.path("out"), "--resume"],
    ] {
      var named = 0
      for number in 1...16 {
        try whole.write(to: URL(filePath: model))
        let (outcome, happened) = try Fault(calls: "close", what: "cut \(model)").run(command, at: number)
        guard happened else { break }
        #expect([0, 1, 2].contains(outcome.status), "\(command) \(number): \(outcome.errors)")
        if outcome.errors.contains("\(model): the file became shorter") { named += 1 }
        if outcome.status == 2 { #expect(outcome.errors.contains(model), "\(outcome.errors)") }
      }
      #expect(named > 0, "\(command)")
    }
  }

  @Test("Signals stop a conversion, which goes on", arguments: [SIGINT, SIGTERM, SIGHUP, SIGKILL])
  func signals(_ number: Int32) throws {
    for command in Self.conversions {
      try? FileManager.default.removeItem(atPath: folder.path("whole"))
      #expect(try Command.run(command + [Self.source, "-o", folder.path("whole")]).status == 0)
      for place in [1, 20] {
        let (outcome, _) = try Fault(calls: "pwrite", what: "signal \(number)").run(
          command + [Self.source, "-o", folder.path("out")], at: place)
        #expect(outcome.status == (number == SIGKILL ? 1000 + SIGKILL : 130), "\(outcome.errors)")
        #expect(!isThere("out") && isThere("out.part") && isThere("out.part.journal"))
        try expectResumed(command, "signal \(number) at \(place)")
      }
    }
  }

  @Test("Under nohup the end of the terminal ends nothing")
  func ignoredHangUp() throws {
    let outcome = try Command.run(
      ["-c", "trap '' HUP; exec \"$@\"", "sh", Command.binary.path, "quantize", Self.source, "-o"]
        + [folder.path("out")],
      environment: [
        "LD_PRELOAD": Fault.library ?? "", "FAULT_CALLS": "pwrite", "FAULT_AT": "5",
        "FAULT": "signal \(SIGHUP)",
      ], executable: URL(filePath: "/bin/sh"))
    #expect(outcome.status == 0, "\(outcome.errors)")
  }
}
