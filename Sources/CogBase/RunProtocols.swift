/// Asked by long work whether to go on.
package protocol Cancellation: Sendable {
  /// Returns while the work is wanted.
  ///
  /// - Throws: what ends the work, such as a `CancellationError`.
  func check() throws
}

/// Work that is never stopped.
package struct NeverCancelled: Cancellation {
  package init() {}

  package func check() throws {}
}

/// Receives how far long work is. Libraries report here and draw nothing themselves.
package protocol ProgressReporter: Sendable {
  /// Starts a task of `total` units (bytes, layers, questions). A task may begin while another one is under
  /// way: it is a part of that one then.
  func begin(_ title: String, total: Int) -> any ProgressTask
}

/// One piece of long work.
package protocol ProgressTask: Sendable {
  /// Counts `units` more as done; `detail` says what is worked on now.
  func advance(by units: Int, _ detail: @autoclosure () -> String)
  /// Ends the task, whether the work succeeded or not.
  func finish()
}

/// Progress that is not shown.
package struct SilentProgress: ProgressReporter, ProgressTask {
  package init() {}

  package func begin(_ title: String, total: Int) -> any ProgressTask { self }
  package func advance(by units: Int, _ detail: @autoclosure () -> String) {}
  package func finish() {}
}
