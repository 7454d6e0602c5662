import CogTestSupport
import Foundation

/// Calls of the command that fail, or during which something happens (`Tests/Fixtures/faults.c`).
struct Fault {
  /// The calls that count.
  var calls: String
  /// What happens.
  var what: String

  /// The library that is loaded before others; nil without a compiler.
  static let library: String? = {
    guard let folder else { return nil }
    let path = folder.path("faults.so")
    for compiler in ["clang", "cc", "gcc"] {
      let words = [
        compiler, "-shared", "-fPIC", "-O1", "-o", path, Fixtures.path("faults.c"), "-ldl",
      ]
      if (try? Program.run(URL(filePath: "/usr/bin/env"), words))?.status == 0 { return path }
    }
    return nil
  }()

  private static let folder = try? TemporaryFolder()

  /// Runs a command in which it happens at a call; returns whether there were so many calls.
  func run(
    _ arguments: [String], at number: Int,
    whileRunning: (Process, _ mark: String) throws -> Void = { _, _ in }
  ) throws -> (outcome: Program.Outcome, happened: Bool) {
    let folder = try TemporaryFolder()
    let mark = folder.path("mark")
    let environment = [
      "LD_PRELOAD": Self.library ?? "", "FAULT_CALLS": calls, "FAULT_AT": "\(number)", "FAULT": what,
      "FAULT_MARK": mark,
    ]
    let outcome = try Command.run(arguments, environment: environment) { try whileRunning($0, mark) }
    return (outcome, FileManager.default.fileExists(atPath: mark))
  }
}

/// A small file system of its own, where this may be had.
final class SmallDisk {
  /// Where it is.
  let path: String
  private let folder: TemporaryFolder

  /// Whether file systems can be mounted here.
  static let isPossible = (try? SmallDisk("size=64k")) != nil

  /// Mounts one.
  init(_ options: String) throws {
    folder = try TemporaryFolder()
    path = folder.url.path
    let outcome = try Program.run(
      URL(filePath: "/usr/bin/env"), ["mount", "-t", "tmpfs", "-o", options, "tmpfs", path])
    guard outcome.status == 0 else { throw CocoaError(.fileWriteNoPermission) }
  }

  deinit { _ = try? Program.run(URL(filePath: "/usr/bin/env"), ["umount", path]) }
}
