import CogTestSupport
import Foundation
import Testing

/// Standard streams that fail, are closed, or whose other end goes away.
@Suite struct StreamTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func calls() throws -> [[String]] {
    let model = try SampleModel.float.get()
    return [
      ["inspect", "--tensors", model], ["tokenize", model, "hello"],
      ["ask", model, "Hello?", "--max-new-tokens", "2"],
      [
        "verify", model, "--reference", Fixtures.path("sample/references/v22_h264-direction.f32.safetensors"),
      ],
    ]
  }

  @Test("Results that cannot be written are an error, not a success", arguments: [">/dev/full", ">&-"])
  func outputFails(_ redirection: String) throws {
    for arguments in try Self.calls() {
      let outcome = try Command.shell("cogvlm \"$@\" \(redirection)", arguments)
      #expect(outcome.status == 2, "\(arguments) \(redirection): \(outcome.errors)")
      #expect(outcome.errors.hasPrefix("error: standard output: cannot write: "), "\(outcome.errors)")
    }
  }

  @Test("A reader that has seen enough is no error, and no signal ends the process")
  func readerGoes() throws {
    for arguments in try Self.calls() {
      // The pipe's reader is gone before anything is written.
      let outcome = try Command.shell("{ sleep 0.3; cogvlm \"$@\"; echo $? >&2; } | true", arguments)
      #expect(outcome.errors == "0\n", "\(arguments): \(outcome.errors)")
    }
    let lines = String(repeating: "\"hello\"\n", count: 20000)
    let input = try folder.write(lines.utf8, as: "lines")
    let outcome = try Command.shell(
      "{ cogvlm tokenize --json \"$1\" <\"$2\"; echo $? >&2; } | head -n 1", [SampleModel.float.get(), input])
    #expect(outcome.errors == "0\n")
    #expect(outcome.output.count(where: { $0 == "\n" }) == 1)
  }

  @Test("The status of a failed comparison reaches the starter although nobody reads the report")
  func readerGoesAfterFailure() throws {
    let source = folder.path("incomplete")
    try Safetensors(folder: Fixtures.path("tiny/checkpoint")).removing("model.norm.weight")
      .write(toFolder: source, with: "tiny/checkpoint")
    let outcome = try Command.shell(
      "{ sleep 0.3; cogvlm inspect --check \"$1\"; echo $? >&2; } | true", [source])
    #expect(outcome.errors == "1\n")
  }

  @Test("Files that are written are whole when all standard streams are closed")
  func allClosed() throws {
    let (source, output) = (Fixtures.path("tiny/checkpoint"), folder.path("out.cogvlm"))
    _ = try Command.shell("cogvlm convert \"$1\" -o \"$2\" <&- >&- 2>&-", [source, output])
    let check = try Command.run(["inspect", "--check", output])
    #expect(check.status == 0, "\(check.errors)")
  }

  @Test("Standard input that cannot be read is an error, not an empty input")
  func inputFails() throws {
    for redirection in ["<\"$2\"", "<&-"] {
      let outcome = try Command.shell(
        "cogvlm tokenize --json \"$1\" \(redirection)", [SampleModel.float.get(), folder.url.path])
      #expect(outcome.status == 2, "\(redirection)")
      #expect(outcome.errors.hasPrefix("error: standard input: cannot read: "), "\(outcome.errors)")
    }
  }

  @Test("A line that is not UTF-8 is refused, not repaired")
  func inputIsNotUTF8() throws {
    let input = try folder.write([0x22, 0x61, 0xFF, 0x22, 0x0A], as: "bytes")
    let outcome = try Command.shell(
      "cogvlm tokenize --json \"$1\" <\"$2\"", [SampleModel.float.get(), input])
    #expect(outcome.status == 2 && outcome.output == "")
    #expect(outcome.errors.contains("line 1") && outcome.errors.contains("UTF-8"), "\(outcome.errors)")
  }

  @Test("Ctrl-C ends a command that waits for standard input, also when it comes just before the wait")
  func interruptWhileWaiting() throws {
    let model = try SampleModel.float.get()
    for _ in 0..<20 {
      let (input, output, process) = (Pipe(), Pipe(), Process())
      process.executableURL = Command.binary
      process.arguments = ["tokenize", "--json", model]
      process.standardInput = input
      process.standardOutput = output
      process.standardError = FileHandle.nullDevice
      try process.run()
      // Its answer to the first line shows that it is up and waits for the next, or is about to.
      try input.fileHandleForWriting.write(contentsOf: Data("\"hello\"\n".utf8))
      try #require(!output.fileHandleForReading.availableData.isEmpty)
      process.interrupt()
      let patience = Date(timeIntervalSinceNow: 60)
      while process.isRunning && Date() < patience { usleep(1000) }
      try #require(!process.isRunning, "it still waits")
      #expect(process.terminationReason == .exit && process.terminationStatus == 130)
      try input.fileHandleForWriting.close()
    }
  }
}
