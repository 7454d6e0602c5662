import ArgumentParser
import CogBase
import CogEvaluate
import CogReport

/// `cogvlm merge`: what the processes of a run have done, as one file.
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Put together what the processes of a run have answered.",
    discussion: """
      Several folders are those of one run on machines that share no disk. Of each item the last reply counts.
      """)

  @Argument(
    help: ArgumentHelp("The folders of one run.", valueName: "run"), completion: .directory)
  var runs: [String]

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The results to write (JSON lines).", valueName: "file"),
    completion: .file(extensions: ["jsonl"]))
  var output: String

  @Flag(help: "Write nothing where items are missing or have replies that differ.")
  var strict = false

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard !runs.isEmpty else { throw ValidationError("A run is missing.") }
  }

  func run() throws {
    let merged = try MergedRun(runs, cancellation: SignalCancellation())
    for line in merged.lines.damaged { Terminal.note("warning: \(line): damaged, it is left out".printable) }
    let (missing, conflicts) = (merged.missing, merged.conflicts)
    for item in missing { Terminal.note("warning: missing: \(item.summary)") }
    for item in merged.failed { Terminal.note("warning: failed: \(item.summary)") }
    for item in conflicts { Terminal.note("warning: replies differ: \(item.summary)") }
    let isRefused = strict && !(missing.isEmpty && conflicts.isEmpty)
    if !isRefused { try write(merged) }
    let report = MergeReport(merged, output: isRefused ? nil : output)
    Terminal.print(json ? try JSONOutput.encode(report) : report.text.printable)
    guard missing.isEmpty, merged.failed.isEmpty, !isRefused else { throw ExitCode(3) }
  }

  private func write(_ merged: MergedRun) throws {
    let file = try AtomicFile(
      path: output, kind: OutputKind("results", endings: [".jsonl"]), besides: merged.files)
    try merged.results { try file.write(Array($0.utf8)) }
    try file.commit()
  }
}
