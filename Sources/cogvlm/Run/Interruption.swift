import Glibc
import Synchronization

/// Ctrl-C and termination: long work asks whether it should stop, and cleans up on its way out.
enum Interruption {
  /// The signal that has asked for it; 0 before that.
  private static let requested = Atomic<Int32>(0)
  /// The ends of a pipe that the handler writes to, which ends a wait whatever thread the signal came to; -1
  /// before ``install()``.
  private static let wakeUpRead = Atomic<Int32>(-1)
  private static let wakeUpWrite = Atomic<Int32>(-1)

  /// Thrown by ``check()`` after an interrupt. The command exits with status 130.
  struct Interrupted: Error, CustomStringConvertible {
    /// Whether somebody pressed Ctrl-C; otherwise the system or a scheduler wants the process to end.
    var isFromKeyboard: Bool { Interruption.requested.load(ordering: .relaxed) == SIGINT }
    /// "interrupted".
    var description: String { "interrupted" }
  }

  /// Signals that ask the process to end; SIGHUP, when its terminal goes.
  private static let signals = [SIGINT, SIGTERM, SIGHUP]

  /// Makes ``signals`` set the flag that ``check()`` reads; a second one ends the process at once. Under
  /// `nohup`, which ignores SIGHUP, that stays ignored.
  ///
  /// They are let through first: a process that a thread with blocked signals has started would never get
  /// them.
  static func install() {
    var unblocked = sigset_t()
    sigemptyset(&unblocked)
    for signalNumber in signals { sigaddset(&unblocked, signalNumber) }
    pthread_sigmask(SIG_UNBLOCK, &unblocked, nil)
    makePipe()
    for signalNumber in signals where signalNumber != SIGHUP || !isIgnored(SIGHUP) {
      signal(signalNumber) { number in
        if Interruption.requested.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
        // The handler may come between any two instructions: what it runs into must find its errno again.
        let code = errno
        _ = write(Interruption.wakeUpWrite.load(ordering: .relaxed), "!", 1)
        errno = code
      }
    }
  }

  private static func isIgnored(_ signalNumber: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(signalNumber, nil, &action) == 0 else { return false }
    // Its value is 1; as a function it cannot be compared.
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  /// Without a pipe (no descriptors left) a wait ends only with its input.
  private static func makePipe() {
    var ends: [Int32] = [-1, -1]
    guard wakeUpRead.load(ordering: .relaxed) < 0, pipe(&ends) == 0 else { return }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    wakeUpRead.store(ends[0], ordering: .relaxed)
    wakeUpWrite.store(ends[1], ordering: .relaxed)
  }

  /// Waits until something can be read from a descriptor, or reading it would tell that it has ended or
  /// failed.
  ///
  /// - Throws: ``Interrupted`` when an interrupt comes before that, at any moment.
  static func wait(forInput descriptor: Int32) throws {
    while true {
      try check()
      var waiting = [
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: wakeUpRead.load(ordering: .relaxed), events: Int16(POLLIN), revents: 0),
      ]
      if poll(&waiting, 2, -1) > 0, waiting[0].revents != 0 { break }
    }
    try check()
  }

  /// Whether an interrupt was asked for.
  static var isRequested: Bool { requested.load(ordering: .relaxed) != 0 }

  /// - Throws: ``Interrupted`` once an interrupt was asked for.
  static func check() throws {
    if isRequested { throw Interrupted() }
  }
}
