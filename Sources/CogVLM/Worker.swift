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
      let range = ThreadPool.countRange
      if let threads = options.threads, !range.contains(threads) {
        throw CogError(
          "the number of threads is out of range", expected: "\(range.lowerBound) to \(range.upperBound)",
          found: "\(threads)")
      }
      return RunContext(
        threads: options.threads.map { ThreadPool(threadCount: $0) } ?? ThreadPool(),
        cancellation: current, progress: CallbackProgress(options.onProgress))
    }
  }

  /// Does a piece of work after those that came before.
  ///
  /// - Throws: what `body` throws, as ``CogVLMError``; `CancellationError`, at once where the work waits for
  ///   its turn.
  func run<Result: Sendable>(
    _ body: @escaping @Sendable (RunContext) throws -> Result
  ) async throws -> Result {
    let waiting = WaitingCall<Result>()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        waiting.begin(continuation)
        queue.async { [self] in
          guard let continuation = waiting.take() else { return }
          continuation.resume(with: Swift.Result { try perform(waiting.mark, body) })
        }
      }
    } onCancel: {
      waiting.cancel()
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

/// A call whose work waits for its turn: whoever takes it, the queue or a cancellation, resumes it.
private final class WaitingCall<Result: Sendable>: Sendable {
  typealias Continuation = CheckedContinuation<Result, any Error>

  let mark = CancellationMark()
  private let continuation = Mutex<Continuation?>(nil)

  func begin(_ new: Continuation) {
    continuation.withLock { $0 = new }
    // The task may have been cancelled before there was anything to resume.
    if mark.isCancelled.load(ordering: .sequentiallyConsistent) { cancel() }
  }

  /// Nil where it was taken.
  func take() -> Continuation? {
    continuation.withLock { continuation in
      defer { continuation = nil }
      return continuation
    }
  }

  func cancel() {
    mark.isCancelled.store(true, ordering: .sequentiallyConsistent)
    take()?.resume(throwing: CancellationError())
  }
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
