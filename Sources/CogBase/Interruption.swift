import Glibc
import Synchronization

/// Ctrl-C and termination: long work asks whether it should stop, and cleans up on its way out.
public enum Interruption {
  private static let requested = Atomic<Bool>(false)

  /// Thrown by ``check()`` after an interrupt. The command leaves with status 130.
  public struct Interrupted: Error, CustomStringConvertible {
    /// "interrupted".
    public var description: String { "interrupted" }
  }

  /// Makes SIGINT and SIGTERM set the flag that ``check()`` looks at; a second one ends the process at once.
  ///
  /// Both are let through first: a process that a thread with blocked signals has started would never get them.
  public static func install() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    for signalNumber in [SIGINT, SIGTERM] {
      signal(signalNumber) { number in
        if Interruption.requested.exchange(true, ordering: .relaxed) { _exit(128 + number) }
      }
    }
  }

  /// Whether an interrupt was asked for.
  public static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// - Throws: ``Interrupted`` once an interrupt was asked for.
  public static func check() throws {
    if isRequested { throw Interrupted() }
  }
}
