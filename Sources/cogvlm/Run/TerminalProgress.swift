package import CogBase
import Synchronization

/// Shows on standard error how far long work is and how long it has to go, in one line.
///
/// A task that begins while another one is under way is a part of it and is shown behind it.
package final class TerminalProgress: ProgressReporter {
  /// Where standard error is a terminal a drawn line, elsewhere nothing.
  static func reporter() -> any ProgressReporter {
    Terminal.errorIsTerminal ? TerminalProgress { Terminal.note($0, terminator: "") } : SilentProgress()
  }

  private struct Line {
    let id: Int
    let title: String
    let total: Int
    let start = ContinuousClock.now
    var done = 0
    var detail = ""

    var percent: Int { min(100, 100 * done / total) }
  }

  private struct State {
    var lines: [Line] = []
    var nextID = 0
    var lastDrawn: ContinuousClock.Instant?
  }

  private static let clearing = "\r\u{1B}[2K"
  private let state = Mutex(State())
  private let write: @Sendable (String) -> Void

  /// Progress drawn by `write`, which is given whole lines with what clears the one before.
  package init(write: @escaping @Sendable (String) -> Void) { self.write = write }

  /// Starts a task; within another one it is a part of that.
  package func begin(_ title: String, total: Int) -> any ProgressTask {
    state.withLock { state in
      state.nextID += 1
      state.lines.append(Line(id: state.nextID, title: title, total: max(total, 1)))
      return DrawnTask(reporter: self, id: state.nextID)
    }
  }

  fileprivate func advance(_ id: Int, by units: Int, _ detail: () -> String) {
    state.withLock { state in
      guard let place = state.lines.firstIndex(where: { $0.id == id }) else { return }
      state.lines[place].done += units
      let now = ContinuousClock.now
      guard state.lastDrawn.map({ now - $0 > .milliseconds(100) }) ?? true else { return }
      state.lastDrawn = now
      state.lines[place].detail = detail()
      write(Self.clearing + Self.text(state.lines, now))
    }
  }

  /// Ends a task and those that began within it. With the last one the line is cleared.
  fileprivate func finish(_ id: Int) {
    state.withLock { state in
      guard let place = state.lines.firstIndex(where: { $0.id == id }) else { return }
      state.lines.removeSubrange(place...)
      guard state.lines.isEmpty, state.lastDrawn != nil else { return }
      state.lastDrawn = nil
      write(Self.clearing)
    }
  }

  private static func text(_ lines: [Line], _ now: ContinuousClock.Instant) -> String {
    guard let outer = lines.first else { return "" }
    let inner = lines.dropFirst().map { " | \($0.title) \($0.percent)%" }.joined()
    return "\(outer.title) \(outer.percent)%\(remainingTime(outer, now)) \(outer.detail)\(inner)"
  }

  private static func remainingTime(_ line: Line, _ now: ContinuousClock.Instant) -> String {
    let elapsed = (now - line.start).seconds
    guard line.done > 0, elapsed > 1 else { return "" }
    let left = max(0, elapsed * Double(line.total - line.done) / Double(line.done))
    return left < 100 ? ", \(Int(left.rounded(.up))) s left" : ", \(Int((left / 60).rounded(.up))) min left"
  }
}

/// A task of a ``TerminalProgress``.
private struct DrawnTask: ProgressTask {
  let reporter: TerminalProgress
  let id: Int

  func advance(by units: Int, _ detail: @autoclosure () -> String) {
    reporter.advance(id, by: units, detail)
  }

  func finish() { reporter.finish(id) }
}
