/// How far long work is and how long it has to go: drawn on standard error when that is a terminal, silent
/// otherwise.
package final class Progress: ProgressTask, @unchecked Sendable {
  private let title: String
  private let total: Int
  private let isDrawn: Bool
  private let start = ContinuousClock.now
  private var done = 0
  private var lastDrawn: ContinuousClock.Instant?

  /// Starts work of `total` units (bytes, frames, questions).
  package init(_ title: String, total: Int) {
    self.title = title
    self.total = max(total, 1)
    isDrawn = Terminal.errorIsTerminal
  }

  /// Counts `units` more as done; `detail` says what is worked on now.
  package func advance(by units: Int, _ detail: @autoclosure () -> String = "") {
    done += units
    let now = ContinuousClock.now
    guard isDrawn, lastDrawn.map({ now - $0 > .milliseconds(100) }) ?? true else { return }
    lastDrawn = now
    let percent = min(100, 100 * done / total)
    Terminal.note("\r\u{1B}[2K\(title) \(percent)%\(remainingTime(now)) \(detail())", terminator: "")
  }

  /// Clears the line; call it when the work ends, well or not.
  package func finish() {
    if isDrawn && lastDrawn != nil { Terminal.note("\r\u{1B}[2K", terminator: "") }
  }

  private func remainingTime(_ now: ContinuousClock.Instant) -> String {
    let elapsed = (now - start).seconds
    guard done > 0, elapsed > 1 else { return "" }
    let left = max(0, elapsed * Double(total - done) / Double(done))
    return left < 100 ? ", \(Int(left.rounded(.up))) s left" : ", \(Int((left / 60).rounded(.up))) min left"
  }
}

extension Duration {
  /// The duration in seconds.
  package var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
