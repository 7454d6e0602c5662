import ArgumentParser
import CSignals
import CogBase
import Glibc

/// The command `cogvlm`.
@main
struct Cogvlm: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cogvlm",
    abstract: "Convert, quantize, inspect, run and verify CogVLM2-Video-Llama3 on a CPU.",
    discussion: """
      Exit status: 0 done, 1 a comparison failed, 2 bad input or environment, 3 of many \
      questions some could not be asked or are left, 64 wrong usage, 75 stopped where a run can go on, 130 \
      interrupted. Results go to standard output; \
      progress, notes and errors to standard error.
      """,
    version: "cogvlm \(Version.current)",
    subcommands: [
      InspectCommand.self, ConvertCommand.self, QuantizeCommand.self, CalibrateCommand.self,
      FramesCommand.self, TokenizeCommand.self,
      StatsCommand.self, DiffCommand.self, AskCommand.self, VerifyCommand.self, EvalCommand.self,
      CaptionCommand.self, MergeCommand.self, ScoreCommand.self, BenchCommand.self,
    ])

  /// Runs a command and turns what it throws into the exit status that the design names.
  static func main() {
    BLASRestart.ifNeeded()
    Terminal.prepare()
    Interruption.install()
    mapping_fault_install(2)
    do {
      var command = try parseAsRoot(Array(Arguments.all.dropFirst()))
      do { try command.run() } catch let status as ExitCode {
        try Terminal.checkOutput()
        throw status
      }
      try Terminal.checkOutput()
    } catch let stopped as StoppedWork {
      leave(after: stopped.cause, note: stopped.note)
    } catch {
      leave(after: error)
    }
  }

  private static func leave(after error: any Error, note: String? = nil) -> Never {
    let status: Int32
    switch error {
    case let error as CogError:
      Terminal.note("error: \(error)")
      status = 2
    case let error as Interruption.Interrupted:
      Terminal.note("\(error)")
      status = 130
    default: exit(withError: error)
    }
    if let note { Terminal.note(note) }
    Glibc.exit(status)
  }
}
