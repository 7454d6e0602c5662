import CogTestSupport
import Foundation
import Testing

/// What shells and `man` are told about the commands.
@Suite struct CompletionTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(
    "Completion scripts are made for every shell and know every command", arguments: ["bash", "zsh", "fish"])
  func completions(_ shell: String) throws {
    let outcome = try Command.run(["--generate-completion-script", shell])
    #expect(outcome.status == 0)
    for name in try Documentation.commandNames() { #expect(outcome.output.contains(name)) }
    guard shell == "bash" else { return }
    let script = try folder.write(outcome.output.utf8, as: "completion")
    let check = try Command.run(["-n", script], executable: URL(filePath: "/bin/bash"))
    #expect(check.status == 0, "\(check.errors)")
  }
}
