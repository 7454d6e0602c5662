import CogBase
import Foundation
import Synchronization
import Testing
import cogvlm

/// The line that a person sees while work goes on.
@Suite struct TerminalProgressTests {
  /// Keeps what is drawn, without the sequence that clears the line before.
  private final class Screen: Sendable {
    private let texts = Mutex<[String]>([])
    var lines: [String] { texts.withLock { $0 } }
    func show(_ text: String) {
      texts.withLock { $0.append(text.replacingOccurrences(of: "\r\u{1B}[2K", with: "")) }
    }
  }

  /// Longer than a line stays as it is.
  private func waitForNextLine() { Thread.sleep(forTimeInterval: 0.12) }

  @Test("A task within another one is shown behind it, and the line is cleared when the outer one ends")
  func nested() {
    let screen = Screen()
    let progress = TerminalProgress(write: screen.show)
    let outer = progress.begin("Asking", total: 4)
    outer.advance(by: 1, "a.mp4")
    waitForNextLine()
    let inner = progress.begin("Looking", total: 10)
    inner.advance(by: 5, "layer 5")
    inner.finish()
    #expect(screen.lines == ["Asking 25% a.mp4", "Asking 25% a.mp4 | Looking 50%"])
    waitForNextLine()
    outer.advance(by: 1, "b.mp4")
    outer.finish()
    #expect(screen.lines.suffix(2) == ["Asking 50% b.mp4", ""])
    outer.advance(by: 1, "after the end")
    #expect(screen.lines.count == 4)
  }

  @Test("Lines come at most ten times a second, and what is not drawn is not put into words")
  func seldom() {
    let screen = Screen()
    var worded = 0
    func detail() -> String {
      worded += 1
      return "part"
    }
    let task = TerminalProgress(write: screen.show).begin("Working", total: 1_000_000)
    let start = ContinuousClock.now
    for _ in 0..<100_000 { task.advance(by: 1, detail()) }
    let most = Int((ContinuousClock.now - start) / .milliseconds(100)) + 1
    #expect((1...most).contains(worded))
    #expect(screen.lines.count == worded)
  }

  @Test("A task that draws nothing clears nothing")
  func silent() {
    let screen = Screen()
    TerminalProgress(write: screen.show).begin("Nothing", total: 0).finish()
    #expect(screen.lines.isEmpty)
  }
}
