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
    } catch let error as CogError {
      fail("error: \(error)", status: 2)
    } catch let error as Interruption.Interrupted {
      fail("\(error)", status: 130)
    } catch {
      exit(withError: error)
    }
  }

  private static func fail(_ message: String, status: Int32) -> Never {
    Terminal.note(message)
    Glibc.exit(status)
  }
}
