import CogReport
import Testing

struct TextTableTests {
  @Test("text stands left, numbers right, and no line ends in spaces")
  func alignment() {
    var table = TextTable([.text("task"), .number("right"), .text("note")])
    table.add(["color", "45", ""])
    table.add(["direction", "7", "été"])
    #expect(
      table.rendered() == """
        task       right  note
        color         45
        direction      7  été
        """)
  }

  @Test("a table can be indented, without titles, and its columns no narrower than is asked for")
  func layout() {
    var table = TextTable([.text("tap", minimumWidth: 5), .number("n")], hasTitles: false, indentation: 2)
    table.add(["a", "1"])
    table.add(["b", "10"])
    #expect(table.rendered() == "  a       1\n  b      10")
  }

  @Test("rows may be shorter or longer than the titles")
  func ragged() {
    var table = TextTable([.number("n")])
    table.add([])
    table.add(["10", "more"])
    #expect(table.rendered() == " n\n\n10  more")
    #expect(TextTable([]).rendered() == "")
  }

  @Test("control characters in a cell are shown, not obeyed")
  func controlCharacters() {
    var table = TextTable([.text("name"), .text("x")])
    table.add(["a\nb\u{1B}[2J\u{2028}", "1"])
    #expect(table.rendered().split(separator: "\n").count == 2)
    #expect(table.rendered().hasSuffix("a\\u{a}b\\u{1b}[2J\\u{2028}  1"))
  }
}
