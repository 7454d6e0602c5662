package import CogBase

/// What a run computes with, who may stop it, and who is told how far it is. Passed down to everything that
/// takes long; nothing of it is global.
package struct RunContext: Sendable {
  /// The threads that work.
  package var threads: ThreadPool
  /// The instruction set's kernels.
  package var kernels: KernelSet
  /// Asked often whether to stop.
  package var cancellation: any Cancellation
  /// Receives how far the work is.
  package var progress: any ProgressReporter

  /// A context; by default the work is never stopped and its progress not shown.
  package init(
    threads: ThreadPool, kernels: KernelSet, cancellation: any Cancellation = NeverCancelled(),
    progress: any ProgressReporter = SilentProgress()
  ) {
    self.threads = threads
    self.kernels = kernels
    self.cancellation = cancellation
    self.progress = progress
  }
}
