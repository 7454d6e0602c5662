import Foundation
import Testing

/// Runs the real `cogvlm` binary, as a user would.
struct Command {
  /// What a run gave.
  struct Outcome {
    let status: Int32
    let output: String
    let errors: String

    /// Standard output as a JSON document.
    func json() throws -> [String: Any] {
      try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    }
  }

  /// The binary in the folder that the tests were built into, or the one that `COGVLM_BINARY` names.
  static let binary: URL = {
    if let path = ProcessInfo.processInfo.environment["COGVLM_BINARY"] { return URL(filePath: path) }
    let candidates = [URL(filePath: CommandLine.arguments[0]), Bundle.main.executableURL].compactMap { $0 }
      .map { $0.resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "cogvlm") }
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0.path) } ?? candidates[0]
  }()

  /// Runs the binary to its end. Output goes through files, so that no pipe can fill up.
  ///
  /// - Parameter whileRunning: what to do meanwhile.
  @discardableResult
  static func run(
    _ arguments: [String], input: String = "", environment: [String: String] = [:],
    executable: URL = binary, whileRunning: (Process) throws -> Void = { _ in }
  ) throws -> Outcome {
    let folder = FileManager.default.temporaryDirectory.appending(path: "cogvlm-command-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["in", "out", "err"].map { folder.appending(path: $0) }
    try Data(input.utf8).write(to: files[0])
    for file in files.dropFirst() { try Data().write(to: file) }
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = try FileHandle(forReadingFrom: files[0])
    process.standardOutput = try FileHandle(forWritingTo: files[1])
    process.standardError = try FileHandle(forWritingTo: files[2])
    try process.run()
    try whileRunning(process)
    process.waitUntilExit()
    // A signal is a trap: give it a status that no expectation names.
    let status =
      process.terminationReason == .exit ? process.terminationStatus : 1000 + process.terminationStatus
    return Outcome(
      status: status, output: try String(contentsOf: files[1], encoding: .utf8),
      errors: try String(contentsOf: files[2], encoding: .utf8))
  }
}
