import CogBase
import CogCompute
import Dispatch
import Synchronization

/// Does blocking work, one piece at a time, on a thread of its own, and stops it when the task that awaits it
/// is cancelled.
final class Worker: Sendable {
  /// What the work computes with.
  let context: RunContext
  private let current: CurrentWork
  private let queue = DispatchQueue(label: "CogVLM", qos: .userInitiated)

  /// - Throws: ``CogVLMError`` when there are no threads to work with.
  init(_ options: RunOptions) throws {
    let current = CurrentWork()
    self.current = current
    context = try translatingErrors {
      if let threads = options.threads, threads < 1 {
        throw CogError("the number of threads is out of range", expected: "1 or more", found: "\(threads)")
      }
      return RunContext(
        threads: options.threads.map { ThreadPool(threadCount: $0) } ?? ThreadPool(),
        cancellation: current, progress: CallbackProgress(options.onProgress))
    }
  }

  /// - Throws: what `body` throws, as ``CogVLMError``; `CancellationError`.
  func run<Result: Sendable>(
    _ body: @escaping @Sendable (RunContext) throws -> Result
  ) async throws -> Result {
    let mark = CancellationMark()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        queue.async { [self] in
          continuation.resume(with: Swift.Result { try perform(mark, body) })
        }
      }
    } onCancel: {
      mark.isCancelled.store(true, ordering: .relaxed)
    }
  }

  private func perform<Result>(
    _ mark: CancellationMark, _ body: (RunContext) throws -> Result
  ) throws -> Result {
    try current.during(mark) { try translatingErrors { try body(context) } }
  }
}

/// Whether one piece of work is still wanted.
private final class CancellationMark: Sendable {
  let isCancelled = Atomic(false)
}

/// The cancellation that the context of a ``Worker`` asks: that of the piece of work at hand.
private final class CurrentWork: Cancellation {
  private let mark: Mutex<CancellationMark?> = Mutex(nil)

  func during<Result>(_ next: CancellationMark, _ body: () throws -> Result) throws -> Result {
    mark.withLock { $0 = next }
    defer { mark.withLock { $0 = nil } }
    try check()
    return try body()
  }

  func check() throws {
    if mark.withLock({ $0?.isCancelled.load(ordering: .relaxed) ?? false }) { throw CancellationError() }
  }
}

/// Progress that is told to a closure.
private struct CallbackProgress: ProgressReporter {
  private let report: (@Sendable (RunProgress) -> Void)?

  init(_ report: (@Sendable (RunProgress) -> Void)?) { self.report = report }

  func begin(_ title: String, total: Int) -> any ProgressTask {
    guard let report else { return SilentProgress() }
    report(RunProgress(title: title, completed: 0, total: total))
    return Task(title: title, total: total, report: report)
  }

  private final class Task: ProgressTask {
    private let title: String
    private let total: Int
    private let report: @Sendable (RunProgress) -> Void
    private let completed = Atomic(0)

    init(title: String, total: Int, report: @escaping @Sendable (RunProgress) -> Void) {
      (self.title, self.total, self.report) = (title, total, report)
    }

    func advance(by units: Int, _ detail: @autoclosure () -> String) {
      let done = completed.add(units, ordering: .relaxed).newValue
      report(RunProgress(title: title, completed: done, total: total))
    }

    func finish() {}
  }
}
