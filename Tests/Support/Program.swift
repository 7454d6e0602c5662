public import Foundation

/// Programs that tests run.
public enum Program {
  /// What a run gave.
  public struct Outcome: Sendable {
    /// The exit status; a signal's number plus 1000 where one ended the program.
    public let status: Int32
    /// Standard output.
    public let outputBytes: Data
    /// Standard error.
    public let errors: String

    /// Standard output as text.
    public var output: String { String(decoding: outputBytes, as: UTF8.self) }
  }

  /// A program of this package, in the folder that the tests were built into.
  public static func built(_ name: String) -> URL {
    let candidates = [URL(filePath: CommandLine.arguments[0]), Bundle.main.executableURL].compactMap { $0 }
      .map { $0.resolvingSymlinksInPath().deletingLastPathComponent().appending(path: name) }
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0.path) } ?? candidates[0]
  }

  /// Runs a program to its end. Output goes through files, so that no pipe can fill up.
  ///
  /// - Parameters:
  ///   - environment: variables beside those of the tests.
  ///   - whileRunning: what to do meanwhile.
  @discardableResult
  public static func run(
    _ executable: URL, _ arguments: [String], input: String = "", environment: [String: String] = [:],
    whileRunning: (Process) throws -> Void = { _ in }
  ) throws -> Outcome {
    let folder = try TemporaryFolder()
    let files = ["in", "out", "err"].map { folder.url.appending(path: $0) }
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
      status: status, outputBytes: try Data(contentsOf: files[1]),
      errors: try String(contentsOf: files[2], encoding: .utf8))
  }
}

/// The Python of the machine, where there is one.
public enum Python {
  /// The folder of the Python tools.
  public static let tools = Fixtures.packageFolder.appending(path: "Tools").path
  /// Whether there is a Python.
  public static let isThere = has("sys")
  /// Whether there is a Python with numpy.
  public static let hasNumpy = has("numpy")
  /// Whether there is a Python with jsonschema.
  public static let hasJSONSchema = has("jsonschema")

  /// Whether there is a Python with the safetensors library and numpy.
  public static let hasSafetensors = has("safetensors.numpy")
  /// Whether there is a Python with the tokenizers package.
  public static let hasTokenizers = has("tokenizers")

  private static func has(_ module: String) -> Bool { (try? run(["-c", "import \(module)"]))?.status == 0 }

  /// Runs `python3` with these arguments; modules of `Tools` can be imported.
  public static func run(_ arguments: [String]) throws -> Program.Outcome {
    try Program.run(
      URL(filePath: "/usr/bin/env"), ["python3", "-B"] + arguments, environment: ["PYTHONPATH": tools])
  }
}
