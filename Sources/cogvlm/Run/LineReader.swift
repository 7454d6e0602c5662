import CogBase
import Glibc

/// Lines that somebody types at the terminal.
final class LineReader {
  private let prompt: String
  private var buffer = LineBuffer()
  private var isOver = false
  /// How the terminal was.
  private var settings = termios()

  /// Lines behind a prompt such as `> `.
  init(prompt: String) { self.prompt = prompt }

  /// The next line; nil when there are no more.
  ///
  /// - Throws: an interrupt; `CogError` when the terminal cannot be read. It is as it was before then.
  func next() throws -> String? {
    guard !isOver, tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
    var raw = settings
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
    // The return key is told from the line feed by nobody.
    raw.c_iflag |= tcflag_t(ICRNL)
    guard tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0 else { return nil }
    defer { tcsetattr(STDIN_FILENO, TCSADRAIN, &settings) }
    draw()
    while let byte = try read() {
      let before = (buffer.characters, buffer.cursor)
      switch buffer.take(byte) {
      case .changed: if before != (buffer.characters, buffer.cursor) { draw() }
      case .line(let line):
        Terminal.print("")
        return line
      case .end:
        isOver = true
        return nil
      }
    }
    isOver = true
    return nil
  }

  /// Draws the line, and then its beginning once more, which leaves the cursor where it belongs, however wide
  /// the characters are.
  private func draw() {
    let start = String(buffer.characters.prefix(buffer.cursor))
    Terminal.print("\r\u{1B}[K\(prompt)\(buffer.text)\r\(prompt)\(start)", terminator: "")
  }

  private func read() throws -> UInt8? {
    while true {
      try Interruption.wait(forInput: STDIN_FILENO)
      var byte: UInt8 = 0
      let count = Glibc.read(STDIN_FILENO, &byte, 1)
      if count == 1 { return byte }
      if count == 0 { return nil }
      // The terminal has gone.
      if errno == EIO { return nil }
      guard errno == EINTR || errno == EAGAIN else {
        throw CogError.system("cannot read", file: "standard input", code: errno)
      }
    }
  }
}
