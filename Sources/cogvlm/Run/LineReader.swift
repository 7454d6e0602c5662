import CogBase
import Glibc

/// Lines that somebody types at the terminal.
final class LineReader {
  private let prompt: String
  private var buffer = LineBuffer()
  private var isOver = false
  /// How the terminal was.
  private var settings = termios()
  /// What was read and not yet taken: text that is pasted comes in one piece.
  private var input: ArraySlice<UInt8> = []

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
    var drawn = (buffer.characters, buffer.cursor)
    while let byte = try read() {
      switch buffer.take(byte) {
      case .changed:
        guard input.isEmpty, drawn != (buffer.characters, buffer.cursor) else { continue }
        draw()
        drawn = (buffer.characters, buffer.cursor)
      case .line(let line):
        // All of it stays to be read, on as many rows as it takes.
        Terminal.print("\(Self.clearRow)\(prompt)\(line)")
        return line
      case .end:
        isOver = true
        return nil
      }
    }
    isOver = true
    return nil
  }

  private static let clearRow = "\r\u{1B}[K"
  /// The terminal goes on in the next row where one is full, or does not.
  private static let (wrapsRows, keepsRow) = ("\u{1B}[?7h", "\u{1B}[?7l")

  /// Draws what fits of the line in one row, and then its beginning once more, which leaves the cursor where
  /// it belongs, however wide the characters are.
  private func draw() {
    let view = LineView(buffer.characters, cursor: buffer.cursor, columns: Self.columns - prompt.count)
    let text = "\(prompt)\(view.before)\(view.after)\r\(prompt)\(view.before)"
    Terminal.print(Self.keepsRow + Self.clearRow + text + Self.wrapsRows, terminator: "")
  }

  /// The width of the terminal; one that does not tell is taken for as wide as most are at least.
  private static var columns: Int {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  private func read() throws -> UInt8? {
    while input.isEmpty {
      try Interruption.wait(forInput: STDIN_FILENO)
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = Glibc.read(STDIN_FILENO, &bytes, bytes.count)
      if count > 0 { input = bytes[..<count] }
      if count == 0 { return nil }
      // The terminal has gone.
      if count < 0 && errno == EIO { return nil }
      guard count > 0 || errno == EINTR || errno == EAGAIN else {
        throw CogError.system("cannot read", file: "standard input", code: errno)
      }
    }
    return input.popFirst()
  }
}
