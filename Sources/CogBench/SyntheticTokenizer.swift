import CogBase

/// A tokenizer of any size in the form of `Formats/tokenizer.md`, so that loading a synthetic model takes the
/// time that loading a real one does. Its words mean nothing.
enum SyntheticTokenizer {
  /// Token 0 to 255 are the single bytes; then come words of two bytes, then of three, with all their merges.
  ///
  /// - Parameter vocabularySize: at least 256; tokens beyond the 65,792 of one or two bytes have three.
  static func encoded(vocabularySize: Int) -> [UInt8] {
    let words = (0..<max(256, vocabularySize)).map(word)
    let merges = words.enumerated().flatMap { mergesMaking($1, id: $0) }
    var writer = ByteWriter()
    writer.write(contentsOf: "CGTK".utf8)
    writer.write(UInt32(1))
    writer.write(UInt32(0))
    writer.write(UInt32(words.count))
    writer.write(UInt32(merges.count))
    writer.write(UInt32(words.reduce(0) { $0 + $1.count }))
    var end: UInt32 = 0
    for word in words {
      end += UInt32(word.count)
      writer.write(end)
    }
    for number in merges.joined() { writer.write(number) }
    writer.write(contentsOf: repeatElement(1, count: words.count))
    writer.write(contentsOf: words.joined())
    return writer.bytes
  }

  private static let firstPair = 256
  private static let firstTriple = 256 + 65_536

  private static func word(_ id: Int) -> [UInt8] {
    if id < firstPair { return [UInt8(id)] }
    if id < firstTriple { return [high(id - firstPair), low(id - firstPair)] }
    let rest = id - firstTriple
    return [UInt8(truncatingIfNeeded: rest >> 16), high(rest), low(rest)]
  }

  private static func high(_ number: Int) -> UInt8 { UInt8(truncatingIfNeeded: number >> 8) }

  private static func low(_ number: Int) -> UInt8 { UInt8(truncatingIfNeeded: number) }

  private static func pair(_ first: UInt8, _ second: UInt8) -> UInt32 {
    UInt32(firstPair) + UInt32(first) << 8 + UInt32(second)
  }

  /// (left, right, result) for every way to cut a word in two.
  private static func mergesMaking(_ word: [UInt8], id: Int) -> [[UInt32]] {
    let result = UInt32(truncatingIfNeeded: id)
    switch word.count {
    case 2: return [[UInt32(word[0]), UInt32(word[1]), result]]
    case 3:
      return [
        [pair(word[0], word[1]), UInt32(word[2]), result],
        [UInt32(word[0]), pair(word[1], word[2]), result],
      ]
    default: return []
    }
  }
}
