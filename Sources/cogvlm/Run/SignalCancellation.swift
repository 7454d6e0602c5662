import CogBase

/// Ctrl-C and termination: what stops the work of a command.
struct SignalCancellation: Cancellation {
  func check() throws { try Interruption.check() }
}
