import ArgumentParser
import CogBase
import CogCompute
import Foundation

/// What a command computes with.
struct RunOptions: ParsableArguments {
  /// The environment variable that names the kernels to compute with.
  private static let kernelsVariable = "COGVLM_KERNELS"

  @Option(help: "Threads; one for each processor by default.")
  var threads: Int?

  func validate() throws {
    let range = ThreadPool.countRange
    guard threads.map(range.contains) ?? true else {
      throw ValidationError("--threads must be from \(range.lowerBound) to \(range.upperBound).")
    }
  }

  /// The threads and kernels of the options and the environment, which Ctrl-C stops and the terminal shows.
  ///
  /// - Parameter cancellation: what may stop the work.
  /// - Throws: ``CogError`` when the environment names kernels that this processor lacks.
  func context(cancellation: any Cancellation = SignalCancellation()) throws -> RunContext {
    RunContext(
      threads: threads.map(ThreadPool.init(threadCount:)) ?? ThreadPool(), kernels: try Self.kernels(),
      cancellation: cancellation, progress: TerminalProgress.reporter())
  }

  private static func kernels() throws -> KernelSet {
    guard let name = ProcessInfo.processInfo.environment[kernelsVariable], !name.isEmpty else {
      return .fastest
    }
    do { return try KernelSet.named(name) } catch var error as CogError {
      error.subject = kernelsVariable
      error.advice = "Unset \(kernelsVariable) to use the fastest."
      throw error
    }
  }
}
