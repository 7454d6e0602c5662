import CogBase
import Glibc
import Synchronization

/// Writes to standard error and standard output, and what those are connected to.
enum Terminal {
  /// The first error of writing to standard output, 0 while there was none.
  private static let outputError = Atomic<Int32>(0)

  /// Makes failures of the standard streams errors instead of a signal or damage; call it before anything is
  /// opened.
  ///
  /// A reader that has gone does not end the process by SIGPIPE. A stream that the starter closed is replaced
  /// by one that fails, so that no file that is opened later takes its number and is written into.
  static func prepare() {
    signal(SIGPIPE, SIG_IGN)
    // A limit on the size of files is an error of the write that runs into it.
    signal(SIGXFSZ, SIG_IGN)
    for (descriptor, access) in [
      (STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY),
    ] where fcntl(descriptor, F_GETFD) == -1 {
      _ = open("/dev/null", access)
    }
  }

  /// Whether the reader of standard output has gone, as after `| head -1`: it has what it wanted, and what
  /// else is printed is dropped.
  static var readerHasGone: Bool { outputError.load(ordering: .relaxed) == EPIPE }

  /// - Throws: ``CogError`` when results could not be written; not when their reader has gone.
  static func checkOutput() throws {
    let code = outputError.load(ordering: .relaxed)
    guard code == 0 || code == EPIPE else {
      throw CogError.system("cannot write", file: "standard output", code: code)
    }
  }

  /// Whether somebody types at a terminal and sees what is printed.
  static var isInteractive: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 }

  /// Whether standard error is a terminal, where progress may be drawn.
  static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// Writes text to standard output at once; ``checkOutput()`` tells whether all of it arrived.
  static func print(_ text: String, terminator: String = "\n") {
    guard outputError.load(ordering: .relaxed) == 0 else { return }
    let code = emit(text + terminator, to: STDOUT_FILENO)
    if code != 0 { outputError.store(code, ordering: .relaxed) }
  }

  /// Writes a note to standard error at once.
  static func note(_ text: String, terminator: String = "\n") {
    _ = emit(text + terminator, to: STDERR_FILENO)
  }

  /// Writes all of a text; returns the error that stopped it, or 0.
  private static func emit(_ text: String, to descriptor: Int32) -> Int32 {
    var text = text.shown
    return text.withUTF8 { FileSystem.writeAll(UnsafeRawBufferPointer($0), to: descriptor) }
  }
}
