/// What of a line that is being typed is seen in one row of a terminal: the cursor, and as much around it as
/// fits.
package struct LineView: Equatable, Sendable {
  /// What is seen in front of the cursor, and behind it.
  package let before: String
  package let after: String

  /// What is seen in so many columns, of which the cursor takes one.
  package init(_ characters: [Character], cursor: Int, columns: Int) {
    let widths = characters.map(Self.most)
    let room = max(0, columns - 1)
    var start = 0
    if widths.reduce(0, +) > room {
      // A quarter is left for what is behind the cursor.
      let roomBefore = cursor < characters.count ? room - room / 4 : room
      var width = widths[..<cursor].reduce(0, +)
      while width > roomBefore {
        width -= widths[start]
        start += 1
      }
    }
    var (end, width) = (cursor, widths[start..<cursor].reduce(0, +))
    while end < characters.count, width + widths[end] <= room {
      width += widths[end]
      end += 1
    }
    before = String(characters[start..<cursor])
    after = String(characters[cursor..<end])
  }

  /// The most columns that terminals give a character: they differ in those that are joined of several.
  private static func most(_ character: Character) -> Int {
    character.unicodeScalars.reduce(0) { sum, scalar in
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .enclosingMark, .format: sum
      // All scripts of wide characters begin behind those of narrow ones.
      default: sum + (scalar.value < 0x1100 ? 1 : 2)
      }
    }
  }
}
