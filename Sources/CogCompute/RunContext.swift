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

  /// A context; by default one thread for each processor, the fastest kernels, and work that is never stopped
  /// and whose progress is not shown.
  package init(
    threads: ThreadPool = ThreadPool(), kernels: KernelSet = .fastest,
    cancellation: any Cancellation = NeverCancelled(),
    progress: any ProgressReporter = SilentProgress()
  ) {
    self.threads = threads
    self.kernels = kernels
    self.cancellation = cancellation
    self.progress = progress
  }
}
