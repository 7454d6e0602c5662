import ArgumentParser
import CogBase
import CogEvaluate
import CogReport

/// `cogvlm score`: how many replies of a run are right, under a rule of one's choice.
struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score", abstract: "Count the right replies of a run under one of the field's rules.")

  @Argument(
    help: ArgumentHelp("The folder of a run, or its merged results.", valueName: "run"),
    completion: .file())
  var run: String

  @Option(
    help: """
      When a reply is right: plain, pllava, official, vlmevalkit, lmms or strict. By default plain, for MVBench \
      pllava.
      """)
  var rule: ScoringRule?

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() throws {
    let run = try RunResults(path: run, cancellation: SignalCancellation())
    for line in run.damaged { Terminal.note("warning: \(line): damaged, it is left out".printable) }
    let report = try ScoreReport(run, rule: rule)
    Terminal.print(json ? try JSONOutput.encode(report) : report.text)
    guard report.missing == 0, report.total.failed == 0 else { throw ExitCode(3) }
  }
}

extension ScoringRule: ExpressibleByArgument {
  /// The rule of that name; nil when there is none.
  package init?(argument: String) { self.init(named: argument) }

  /// The names of the rules.
  package static var allValueStrings: [String] { all.map(\.name) }
}
