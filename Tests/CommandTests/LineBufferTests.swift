import Testing
import cogvlm

@Suite struct LineBufferTests {
  /// The lines that typing gives, and the buffer after it.
  private func type(_ bytes: [UInt8]) -> (lines: [String], buffer: LineBuffer, isOver: Bool) {
    var (buffer, lines) = (LineBuffer(), [String]())
    for byte in bytes {
      switch buffer.take(byte) {
      case .changed: break
      case .line(let line): lines.append(line)
      case .end: return (lines, buffer, true)
      }
    }
    return (lines, buffer, false)
  }

  private func lines(_ text: String) -> [String] { type(Array(text.utf8)).lines }

  private static let (up, down, left, right) = ("\u{1B}[A", "\u{1B}OB", "\u{1B}[D", "\u{1B}[C")

  @Test("what is typed is the line, with characters of several bytes and of several parts")
  func characters() {
    #expect(lines("What?\n\nnaïve 電視 👩‍👩‍👧 e\u{301}\r") == ["What?", "", "naïve 電視 👩‍👩‍👧 é"])
    // One deletion takes one character.
    #expect(lines("a👩‍👩‍👧\u{7F}b\n") == ["ab"])
  }

  @Test("keys move in the line and change it where the cursor is")
  func editing() {
    #expect(lines("ac\(Self.left)b\n") == ["abc"])
    #expect(lines("bc\u{1}a\u{5}d\n") == ["abcd"])
    #expect(lines("abc\(Self.left)\(Self.left)\u{1B}[3~\n") == ["ac"])
    #expect(lines("abc\(Self.left)\u{B}\n") == ["ab"])
    #expect(lines("abc\(Self.left)\u{15}\n") == ["c"])
    #expect(lines("\(Self.left)\(Self.right)\u{7F}\u{1B}[15~a\u{1B}x\tb\n") == ["a b"])
  }

  @Test("arrows bring back earlier lines, and the one that was begun")
  func history() {
    #expect(lines("one\ntwo\n\(Self.up)\(Self.up)\(Self.up)!\n") == ["one", "two", "one!"])
    #expect(lines("one\nnew\(Self.up)\(Self.down)er\(Self.down)\n") == ["one", "newer"])
    #expect(lines("one\none\n\(Self.up)\(Self.up)\n") == ["one", "one", "one"])
  }

  @Test("what fits in a row is seen around the cursor, whatever the width of the characters")
  func view() {
    func view(_ text: String, _ cursor: Int, _ columns: Int) -> [String] {
      let view = LineView(Array(text), cursor: cursor, columns: columns)
      return [view.before, view.after]
    }
    #expect(view("abcdef", 6, 7) == ["abcdef", ""] && view("abcdef", 2, 7) == ["ab", "cdef"])
    #expect(view("abcdefghij", 10, 6) == ["fghij", ""] && view("abcdefghij", 0, 6) == ["", "abcde"])
    #expect(view("abcdefghij", 8, 9) == ["cdefgh", "ij"])
    #expect(view("電視電視", 4, 6) == ["電視".description, ""])
    #expect(view("e\u{301}e\u{301}e\u{301}", 3, 4)[0].count == 3)
    for columns in -3...5 {
      for cursor in 0...4 { #expect(view("abcd", cursor, columns).joined().count <= max(0, columns - 1)) }
    }
  }

  @Test("Ctrl-D ends an empty line and deletes in another; bytes that are no text do nothing")
  func odd() {
    #expect(type([0x04]).isOver)
    #expect(!type(Array("ab\u{1}\u{4}".utf8)).isOver)
    #expect(type([0xFF, 0xFE, 0x80, 0x00, 0x41, 0xC3, 0x41, 0x0A]).lines.count == 1)
    for first in 0...255 {
      for second in 0...255 { _ = type([UInt8(first), UInt8(second), 0x5B, 0x33, 0x7E, 0x0A]) }
    }
  }
}
