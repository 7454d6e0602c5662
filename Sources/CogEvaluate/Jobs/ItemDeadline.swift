package import CogBase
import Synchronization

/// A cancellation that besides ends the work on an item that takes too long.
package final class ItemDeadline: Cancellation {
  private let other: any Cancellation
  private let limit: Duration
  private let end = Mutex<ContinuousClock.Instant?>(nil)

  /// A deadline that is not running.
  ///
  /// - Parameters:
  ///   - seconds: what an item may take, its video's frames included.
  ///   - other: what else may end the work.
  package init(seconds: Double, besides other: any Cancellation) {
    (limit, self.other) = (.seconds(seconds), other)
  }

  /// - Throws: what the other cancellation throws; `CogError` when the item has taken too long.
  package func check() throws {
    try other.check()
    guard let end = end.withLock({ $0 }), ContinuousClock.now > end else { return }
    throw CogError(
      "the item took too long", expected: "at most \(limit.seconds) s", advice: "Give more with --timeout.")
  }

  /// Begins an item, unless one is under way.
  func begin() { end.withLock { $0 = $0 ?? ContinuousClock.now + limit } }

  /// Ends it.
  func finish() { end.withLock { $0 = nil } }
}
