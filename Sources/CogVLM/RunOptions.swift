/// How long work is done.
///
/// Work runs on threads of its own, so that awaiting it blocks no thread of the program. It stops within a
/// fraction of a second when the task that awaits it is cancelled, and throws `CancellationError` then.
public struct RunOptions: Sendable {
  /// Threads that compute, from 1 to 1,024; nil takes as many as there are processors.
  public var threads: Int?
  /// Receives how far the work is, on any thread; nil where nobody wants to know.
  public var onProgress: (@Sendable (RunProgress) -> Void)?

  /// Options; by default all processors and silence.
  public init(threads: Int? = nil, onProgress: (@Sendable (RunProgress) -> Void)? = nil) {
    self.threads = threads
    self.onProgress = onProgress
  }
}

/// How far one piece of long work is.
public struct RunProgress: Equatable, Sendable {
  /// What is done, such as `Looking at 24 frames`.
  public let title: String
  /// Units done so far: bytes, layers or questions.
  public let completed: Int
  /// Units of the whole piece.
  public let total: Int

  /// The share that is done, from 0 to 1.
  public var fraction: Double { total > 0 ? min(Double(completed) / Double(total), 1) : 1 }
}
