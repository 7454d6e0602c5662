import Glibc

/// Writes to standard error and standard output, and what those are connected to.
public enum Terminal {
  /// Whether standard error is a terminal, where progress may be drawn.
  public static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// Whether standard output is a terminal and color is wanted (`NO_COLOR` is not set).
  public static var outputHasColor: Bool { isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil }

  /// Writes text to standard output at once.
  public static func print(_ text: String, terminator: String = "\n") {
    emit(text + terminator, to: STDOUT_FILENO)
  }

  /// Writes a note to standard error at once.
  public static func note(_ text: String, terminator: String = "\n") {
    emit(text + terminator, to: STDERR_FILENO)
  }

  private static func emit(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { buffer in
      var done = 0
      while done < buffer.count {
        let written = write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
        if written < 0 && errno == EINTR { continue }
        if written <= 0 { return }
        done += written
      }
    }
  }
}
