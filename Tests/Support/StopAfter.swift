import CogBase
import Synchronization

/// Ends work when it was asked often enough whether to stop.
package struct StopAfter: Cancellation {
  /// What ends the work.
  package struct Stop: Error {}

  private final class Countdown: Sendable {
    let left: Mutex<Int>

    init(_ count: Int) { left = Mutex(count) }
  }

  private let countdown: Countdown

  /// - Parameter count: the question that ends the work.
  package init(_ count: Int) { countdown = Countdown(count) }

  package func check() throws {
    let isOver = countdown.left.withLock { left in
      left -= 1
      return left <= 0
    }
    if isOver { throw Stop() }
  }
}
