import CogBase
import CogText
import Testing

struct PieceScannerTests {
  private func pieceLengths(_ text: String) -> [Int] {
    let bytes = Array(text.utf8)
    return bytes.withUnsafeBufferPointer { buffer in
      var scanner = PieceScanner(buffer, 0..<buffer.count)
      var lengths: [Int] = []
      while let range = scanner.next() { lengths.append(range.count) }
      return lengths
    }
  }

  private func pieces(_ text: String) -> [String] {
    var rest = Array(text.utf8)[...]
    return pieceLengths(text).map { length in
      defer { rest = rest.dropFirst(length) }
      return String(decoding: rest.prefix(length), as: UTF8.self)
    }
  }

  @Test("every Unicode scalar has the class that the reference's regex engine gives it")
  func classes() throws {
    let fixture = try JSON.parse(TextFixtures.bytes("scalar-classes.json"), what: "scalar classes")
    var expected = [ScalarClass](repeating: .other, count: 0x110000)
    for (key, kind) in [("letter", ScalarClass.letter), ("number", .number), ("space", .space)] {
      for range in try TextFixtures.require(fixture[key]?.elements, key) {
        let bounds = try TextFixtures.require(range.elements, key).compactMap(\.integer)
        for value in bounds[0]...bounds[1] { expected[value] = kind }
      }
    }
    var wrong: [String] = []
    for value in UInt32(0)..<0x110000 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let found = ScalarClass(scalar)
      if found != expected[Int(value)] { wrong.append("U+\(String(value, radix: 16)) \(found)") }
    }
    #expect(wrong == [])
  }

  @Test("random texts are cut where the tokenizers package cuts them")
  func randomTexts() throws {
    for entry in try TextFixtures.cases("pieces.json") {
      let text = try TextFixtures.text(entry, "text")
      let expected = try TextFixtures.integers(entry, "pieces")
      #expect(pieceLengths(text) == expected, "\(text.debugDescription)")
    }
  }

  @Test("each alternative of the pattern cuts as it should")
  func alternatives() {
    #expect(pieces("I'M, you'Ll 'ſt'x") == ["I", "'M", ",", " you", "'Ll", " '", "ſt", "'x"])
    #expect(pieces("'ſt") == ["'ſ", "t"])
    #expect(pieces("1234567²") == ["123", "456", "7²"])
    #expect(pieces(" (x)!?\r\n\ny") == [" (", "x", ")!?\r\n\n", "y"])
    #expect(pieces("a   b\t c  ") == ["a", "  ", " b", "\t", " c", "  "])
    #expect(pieces("a \n  \n  b") == ["a", " \n  \n", " ", " b"])
    #expect(pieces("\t1 2") == ["\t", "1", " ", "2"])
    #expect(pieces("") == [])
  }

  @Test("a part of a text is cut as if nothing stood around it")
  func segment() {
    let bytes = Array("ab   cd".utf8)
    let lengths = bytes.withUnsafeBufferPointer { buffer -> [Int] in
      var scanner = PieceScanner(buffer, 1..<5)
      var lengths: [Int] = []
      while let range = scanner.next() { lengths.append(range.count) }
      return lengths
    }
    #expect(lengths == [1, 3])
  }
}
