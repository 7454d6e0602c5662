import ArgumentParser
import CogBase
package import CogEvaluate
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
    name: .shortAndLong,
    help: ArgumentHelp(
      "The results to write (JSON lines), or with --export the folder to write into.", valueName: "path"),
    completion: .file())
  var output: String

  @Option(
    help: ArgumentHelp(
      "Write captions as other programs read them: "
        + CaptionForm.allCases.map(\.rawValue).joined(separator: ", ") + ".", valueName: "form"))
  var export: CaptionForm?

  @Option(
    help: ArgumentHelp(
      "With --export: the folder that was captioned, or that of the list; may be given several times. By "
        + "default that of --output.", valueName: "folder"), completion: .directory)
  var videos: [String] = []

  @Option(help: "Cut exported captions after so many words, where a sentence ends.")
  var cutWords: Int?

  @Flag(help: "Write exported files over others that have their names.")
  var force = false

  @Flag(help: "Write nothing where items are missing or have replies that differ.")
  var strict = false

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard !runs.isEmpty else { throw ValidationError("A run is missing.") }
    guard cutWords.map({ $0 > 0 }) ?? true else { throw ValidationError("--cut-words must be above 0.") }
    guard export != nil || (cutWords == nil && !force && videos.isEmpty) else {
      throw ValidationError("--videos, --cut-words and --force go with --export FORM.")
    }
  }

  func run() throws {
    let merged = try MergedRun(runs, cancellation: SignalCancellation())
    for line in merged.lines.damaged { Terminal.note("warning: \(line): damaged, it is left out".printable) }
    let (missing, conflicts) = (merged.missing, merged.conflicts)
    for item in missing { Terminal.note("warning: missing: \(item.summary)") }
    for item in merged.failed { Terminal.note("warning: failed: \(item.summary)") }
    for item in conflicts { Terminal.note("warning: replies differ: \(item.summary)") }
    let isRefused = strict && !(missing.isEmpty && conflicts.isEmpty)
    let export = try export.map {
      try CaptionExport(merged, form: $0, words: cutWords, names: VideoNames(in: output, videos: videos))
    }
    for note in export?.notes ?? [] { Terminal.note("warning: \(note)".printable) }
    if !isRefused {
      if let export {
        try export.files().write(
          to: output, besides: merged.files, force: force, cancellation: SignalCancellation())
      } else {
        try write(merged)
      }
    }
    let report = MergeReport(merged, output: isRefused ? nil : output, export: isRefused ? nil : export)
    Terminal.print(json ? try JSONOutput.encode(report) : report.text)
    guard missing.isEmpty, merged.failed.isEmpty, !isRefused else { throw ExitCode(3) }
  }

  private func write(_ merged: MergedRun) throws {
    let file = try AtomicFile(
      path: output, kind: OutputKind("results", endings: [".jsonl"]), besides: merged.files)
    try merged.results { try file.write(Array($0.utf8)) }
    try file.commit()
  }
}

extension CaptionForm: ExpressibleByArgument {}
