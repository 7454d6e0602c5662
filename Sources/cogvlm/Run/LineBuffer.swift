/// A line that is being typed at a terminal, with those before it.
package struct LineBuffer {
  /// What a byte has led to.
  package enum Event: Equatable, Sendable {
    /// The line or the place in it may be another.
    case changed
    /// The line is whole.
    case line(String)
    /// There are no more lines.
    case end
  }

  /// The line, and how many characters of it are in front of the cursor.
  package private(set) var characters: [Character] = []
  package private(set) var cursor = 0
  private var history: [String] = []
  /// The line of the history that is shown; their count for the new one.
  private var shown = 0
  /// The new line, while another one is shown.
  private var draft = ""
  /// Bytes of a character or of a key that is not whole yet.
  private var pending: [UInt8] = []

  private static let escape: UInt8 = 0x1B
  private static let mostLines = 1000
  private static let longestLine = 100_000

  /// An empty line without any before it.
  package init() {}

  /// What is typed so far.
  package var text: String { String(characters) }

  /// Takes a byte that the terminal sends.
  package mutating func take(_ byte: UInt8) -> Event {
    if pending.first == Self.escape { return takeKey(byte) }
    if !pending.isEmpty || byte >= 0x80 { return takeCharacter(byte) }
    switch byte {
    case Self.escape: pending = [byte]
    case 0x0A, 0x0D: return finish()
    case 0x04:
      if characters.isEmpty { return .end }
      delete(at: cursor)
    case 0x7F, 0x08: if cursor > 0 { delete(at: cursor - 1) }
    case 0x01: cursor = 0
    case 0x05: cursor = characters.count
    case 0x0B: characters.removeSubrange(cursor...)
    case 0x15:
      characters.removeSubrange(..<cursor)
      cursor = 0
    case 0x10: show(shown - 1)
    case 0x0E: show(shown + 1)
    case 0x09: insert(" ")
    case 0x20...: insert(Character(Unicode.Scalar(byte)))
    default: break
    }
    return .changed
  }

  /// What the terminal sends of keys such as arrows: escape, a bracket, perhaps a number, a letter.
  private mutating func takeKey(_ byte: UInt8) -> Event {
    pending.append(byte)
    let isBracket = byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O")
    if pending.count == 2 && isBracket { return .changed }
    let isNumber = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: ";")
    if pending.count > 2 && pending.count < 16 && isNumber { return .changed }
    let key = String(decoding: pending.dropFirst(2), as: UTF8.self)
    pending = []
    switch key {
    case "A": show(shown - 1)
    case "B": show(shown + 1)
    case "C": cursor = min(cursor + 1, characters.count)
    case "D": cursor = max(cursor - 1, 0)
    case "H", "1~": cursor = 0
    case "F", "4~": cursor = characters.count
    case "3~": delete(at: cursor)
    default: break
    }
    return .changed
  }

  /// A byte of a character of UTF-8; bytes of none are dropped.
  private mutating func takeCharacter(_ byte: UInt8) -> Event {
    pending.append(byte)
    if let text = String(validating: pending, as: UTF8.self), let character = text.first {
      pending = []
      insert(character)
    } else if pending.count >= 4 || (pending.count > 1 && byte & 0xC0 != 0x80) {
      pending = []
    }
    return .changed
  }

  private mutating func insert(_ character: Character) {
    guard characters.count < Self.longestLine else { return }
    // Parts of one character, such as accents, arrive one by one.
    if cursor > 0, let joined = Self.joined(characters[cursor - 1], character) {
      characters[cursor - 1] = joined
      return
    }
    characters.insert(character, at: cursor)
    cursor += 1
  }

  private static func joined(_ first: Character, _ second: Character) -> Character? {
    let both = String(first) + String(second)
    return both.count == 1 ? both.first : nil
  }

  private mutating func delete(at place: Int) {
    guard characters.indices.contains(place) else { return }
    characters.remove(at: place)
    cursor = place
  }

  private mutating func show(_ place: Int) {
    guard (0...history.count).contains(place) else { return }
    if shown == history.count { draft = text }
    shown = place
    characters = Array(place == history.count ? draft : history[place])
    cursor = characters.count
  }

  private mutating func finish() -> Event {
    let line = text
    if !line.isEmpty && history.last != line { history.append(line) }
    if history.count > Self.mostLines { history.removeFirst() }
    (characters, cursor, shown, draft) = ([], 0, history.count, "")
    return .line(line)
  }
}
