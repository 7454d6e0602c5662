import CogBase
import Glibc

/// The words of the command line.
enum Arguments {
  /// All words, the name of the command first. Swift's own list has others in place of bytes that are no
  /// UTF-8; here they are as in paths.
  static var all: [String] {
    (0..<Int(CommandLine.argc)).compactMap { place in
      CommandLine.unsafeArgv[place].map {
        String(pathBytes: UnsafeRawBufferPointer(start: $0, count: strlen($0)))
      }
    }
  }

  /// The command as it was given, as a shell takes it.
  ///
  /// - Parameter flag: one that it is to have too; nil for none.
  static func asGiven(adding flag: String? = nil) -> String {
    var words = all
    // What stands behind is no option.
    let end = words.firstIndex(of: "--") ?? words.endIndex
    if let flag, !words[..<end].contains(flag) { words.insert(flag, at: end) }
    return quoted(words)
  }

  /// Words as a shell takes them; bytes that are no UTF-8, and what would steer a terminal, as bash, zsh and
  /// ksh write them.
  static func quoted(_ words: [String]) -> String { words.map(quoted).joined(separator: " ") }

  private static func quoted(_ word: String) -> String {
    if word.printable != word {
      let bytes = word.pathBytes.map { byte in
        switch byte {
        case UInt8(ascii: "'"), UInt8(ascii: "\\"): "\\" + String(Unicode.Scalar(byte))
        case 0x20..<0x7F: String(Unicode.Scalar(byte))
        default: "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
      }
      return "$'" + bytes.joined() + "'"
    }
    let isPlain =
      !word.isEmpty
      && word.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "-_./=:,@%+".utf8.contains(byte)
        }
      }
    return isPlain ? word : "'" + word.replacing("'", with: #"'\''"#) + "'"
  }
}

extension String {
  /// The text of an argument that a model reads, or a tokenizer.
  ///
  /// - Throws: ``CogError`` when it is no UTF-8: it is refused, not repaired.
  func requireText(_ argument: String) throws {
    guard isEscaped else { return }
    throw CogError("the text is not UTF-8", subject: argument, expected: "UTF-8", found: shown)
  }
}
