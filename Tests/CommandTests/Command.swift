import CogTestSupport
import Foundation
import Testing

/// Runs the real `cogvlm` binary, as a user would.
struct Command {
  /// The binary in the folder that the tests were built into, or the one that `COGVLM_BINARY` names.
  static let binary =
    ProcessInfo.processInfo.environment["COGVLM_BINARY"].map { URL(filePath: $0) } ?? Program.built("cogvlm")

  /// Runs the binary, or another program, to its end.
  ///
  /// - Parameter whileRunning: what to do meanwhile.
  @discardableResult
  static func run(
    _ arguments: [String], input: String = "", environment: [String: String] = [:],
    executable: URL = binary, whileRunning: (Process) throws -> Void = { _ in }
  ) throws -> Program.Outcome {
    try Program.run(
      executable, arguments, input: input, environment: environment, whileRunning: whileRunning)
  }

  /// Runs a line of shell in which `cogvlm` is the binary.
  static func shell(
    _ line: String, _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> Program.Outcome {
    try run(
      ["-c", "cogvlm() { \"$COGVLM\" \"$@\"; }; " + line, "sh"] + arguments,
      environment: environment.merging(["COGVLM": binary.path]) { $1 }, executable: URL(filePath: "/bin/sh"))
  }
}

extension Program.Outcome {
  /// Standard output as a JSON document.
  func json() throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
  }
}
