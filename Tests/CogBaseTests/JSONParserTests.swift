import CogBase
import CogTestSupport
import Foundation
import Testing

@Suite struct JSONParserTests {
  private func parse(_ text: String) throws -> JSON { try JSON.parse(Array(text.utf8), what: "text") }

  /// The problem that parsing ends with.
  private func problem(_ bytes: [UInt8]) -> String? {
    #expect(throws: CogError.self) { _ = try JSON.parse(bytes, what: "text") }?.problem
  }

  @Test(
    "Every kind of value is read, white space around it allowed",
    arguments: [
      ("null", .null), (" true\n", .bool(true)), ("\tfalse\r", .bool(false)),
      ("-12.50e+3", .number("-12.50e+3")),
      (#""""#, .string("")), ("[]", .array([])), ("[ ]", .array([])), ("{ }", .object([])),
      ("[1 , [2],{}]", .array([.number("1"), .array([.number("2")]), .object([])])),
    ] as [(String, JSON)])
  func values(_ text: String, _ expected: JSON) throws {
    #expect(try parse(text) == expected)
  }

  @Test("Members keep the order of the file, and are found by their keys")
  func members() throws {
    let object = try parse(#"{"b": 1, "a": {"b": [true]}, "": null}"#)
    #expect(object.members?.map(\.key) == ["b", "a", ""])
    #expect(object["a"]?["b"]?.elements?.first?.boolean == true)
    #expect(object["c"] == nil && object["b"]?["b"] == nil)
  }

  @Test(
    "Numbers keep their own spelling, so that 64-bit integers lose nothing",
    arguments: ["0", "-0", "9223372036854775807", "18446744073709551616", "1E5", "1e-05", "0.10", "-0.0e+0"])
  func numbers(_ text: String) throws {
    let value = try parse(text)
    #expect(value == .number(text))
    #expect(value.double == Double(text) && value.integer == Int(text))
  }

  @Test(
    "What JavaScript or a person may write is no number of JSON",
    arguments: [
      "", "-", "+1", "01", "-00", "1.", ".5", "1.e3", "1e", "1e+", "0x10", "NaN", "Infinity", "--1", "1_000",
      "1,0",
    ])
  func notNumbers(_ text: String) {
    _ = problem(Array(text.utf8))
    _ = problem(Array("[\(text)".utf8))
  }

  @Test(
    "Escapes stand for their characters",
    arguments: [
      (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{C}\n\r\t"), (#"\u0041\u00e9\u20AC"#, "Aé€"), (#"\u0000"#, "\0"),
      (#"a\ud83d\ude00b"#, "a😀b"), (#"\uDBFF\uDFFF"#, "\u{10FFFF}"), (#"\uD7FF\uE000"#, "\u{D7FF}\u{E000}"),
    ])
  func escapes(_ text: String, _ expected: String) throws {
    let value = try #require(try parse("\"\(text)\"").text)
    #expect(Array(value.unicodeScalars) == Array(expected.unicodeScalars))
    #expect(try parse("{\"\(text)\": 1}").members?.first?.key == expected)
  }

  @Test(
    "Half of a surrogate pair, an unknown or a broken escape is refused",
    arguments: [
      (#"\ud83d"#, "half of a surrogate pair"), (#"\ude00"#, "half of a surrogate pair"),
      (#"\ud83d\ud83d"#, "half of a surrogate pair"), (#"\ud83dx"#, "half of a surrogate pair"),
      (#"\ud83d\n"#, "half of a surrogate pair"), (#"\x41"#, "an unknown escape"),
      (#"\u12g4"#, "an unexpected"),
      (#"\u１２３４"#, "an unexpected"), (#"\u12"#, "an unexpected"),
    ])
  func badEscapes(_ text: String, _ expected: String) {
    #expect(problem(Array("\"\(text)\"".utf8))?.contains(expected) == true)
  }

  @Test("Control characters and bytes that are not UTF-8 are refused in strings", arguments: [true, false])
  func badStrings(escaped: Bool) {
    let before = escaped ? Array(#"\n"#.utf8) : []
    for byte in UInt8(0)..<0x20 {
      #expect(problem([0x22] + before + [byte, 0x22])?.contains("a control character") == true)
    }
    // A lone continuation, an overlong form, a surrogate, a value beyond Unicode, a character cut off.
    let broken: [[UInt8]] = [
      [0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0xFF],
    ]
    for bytes in broken {
      #expect(problem([0x22] + before + bytes + [0x22])?.contains("not UTF-8") == true)
    }
  }

  @Test("64 levels are read and 65 refused, of arrays, objects or both", arguments: [1, 2, 3])
  func depth(_ kinds: Int) throws {
    /// Empty arrays (bit 0) and objects (bit 1) in turns, one in the other.
    func nested(_ levels: Int) -> String {
      (0..<levels).reversed().reduce("") { inner, level in
        guard kinds == 2 || (kinds == 3 && level % 2 == 0) else { return "[\(inner)]" }
        return inner.isEmpty ? "{}" : "{\"a\":\(inner)}"
      }
    }
    _ = try parse(nested(64))
    #expect(problem(Array(nested(65).utf8))?.contains("deeper than 64 levels") == true)
    #expect(problem(Array(String(repeating: "[", count: 1_000_000).utf8))?.contains("64 levels") == true)
  }

  @Test(
    "A key that stands twice is refused, also spelled in another way or further inside",
    arguments: [
      #"{"a":1,"a":1}"#, #"{"a":1,"b":2,"\u0061":3}"#, #"[{"x":{"":0,"":0}}]"#,
    ])
  func duplicateKeys(_ text: String) throws {
    #expect(problem(Array(text.utf8))?.contains("stands twice") == true)
    #expect(try parse(#"{"a":{"a":1},"b":[{"a":1}]}"#).members?.count == 2)
  }

  @Test(
    "What is missing or too much is named with its place",
    arguments: [
      ("", "ends too early at byte 0"), ("[1,2", "ends too early at byte 4"), ("[1 2]", "closing bracket"),
      ("[1,]", "an unexpected character stands at byte 3"), (#"{"a" 1}"#, "a colon is missing"),
      (#"{"a":1 "b":2}"#, "closing brace"), (#"{"a":1,}"#, "a key is missing"), ("{1:2}", "a key is missing"),
      ("1 2", "text follows the document at byte 2"), ("[]]", "text follows"), ("nul", "ends too early"),
      ("nulL", "an unknown word stands at byte 3"), ("// no", "an unexpected character"),
      ("'a'", "unexpected"),
      ("\u{FEFF}1", "an unexpected character stands at byte 0"),
    ])
  func places(_ text: String, _ expected: String) {
    let problem = problem(Array(text.utf8))
    #expect(problem?.hasPrefix("the text is not valid JSON: ") == true)
    #expect(problem?.contains(expected) == true, "\(problem ?? "")")
  }

  @Test("Documents of all shapes have the values that Foundation reads", arguments: 0..<50)
  func likeFoundation(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    for _ in 0..<20 {
      let text = RandomJSON.document(using: &random)
      #expect(RandomJSON.isEqual(try parse(text), try RandomJSON.foundation(text.utf8)), "\(text)")
    }
  }

  @Test(
    "No document that is cut off is read, and one with a changed byte only where Foundation reads the same")
  func damage() throws {
    var random = SplitMix64(seed: 99)
    for _ in 0..<40 {
      let document = Array(("[" + RandomJSON.document(using: &random) + "]").utf8)
      for count in document.indices { _ = problem(Array(document[..<count])) }
      for index in document.indices {
        var bytes = document
        bytes[index] = UInt8.random(in: 0x20...0x7E, using: &random)
        guard let value = try? JSON.parse(bytes, what: "text") else { continue }
        #expect(RandomJSON.isEqual(value, try RandomJSON.foundation(bytes)))
      }
    }
  }
}

/// Random documents, and what Foundation makes of them.
private enum RandomJSON {
  static func document(using random: inout SplitMix64, depth: Int = 0) -> String {
    let spaces = (0..<3).map { _ in ["", "", " ", "\n\t", "\r "][Int.random(in: 0..<5, using: &random)] }
    let kind = Int.random(in: depth < 4 ? 0..<8 : 0..<6, using: &random)
    let text: String
    switch kind {
    case 0: text = ["null", "true", "false"][Int.random(in: 0..<3, using: &random)]
    case 1, 2: text = number(using: &random)
    case 3, 4, 5: text = string(using: &random)
    default:
      let members = (0..<Int.random(in: 0...4, using: &random)).map { place in
        // The place makes keys differ.
        (kind == 6 ? "" : "\"\(place)\(string(using: &random).dropFirst())\(spaces[0]):\(spaces[1])")
          + document(using: &random, depth: depth + 1)
      }
      let inner = spaces[2] + members.joined(separator: ",")
      text = kind == 6 ? "[\(inner)]" : "{\(inner)}"
    }
    return spaces[0] + text + spaces[1]
  }

  private static func number(using random: inout SplitMix64) -> String {
    var text = Bool.random(using: &random) ? "-" : ""
    text += "\(Int.random(in: 0...(Bool.random(using: &random) ? 9 : 999_999), using: &random))"
    if Bool.random(using: &random) { text += ".\(Int.random(in: 0...999, using: &random))" }
    if Int.random(in: 0..<3, using: &random) == 0 {
      text += ["e", "E", "e+", "E-"][Int.random(in: 0..<4, using: &random)]
      text += "\(Int.random(in: 0...9, using: &random))"
    }
    return text
  }

  private static func string(using random: inout SplitMix64) -> String {
    let pieces = [
      "a", "B", " ", "0", "/", "é", "€", "😀", #"\""#, #"\\"#, #"\n"#, #"\u0041"#, #"\ud83d\ude00"#, "[", "}",
    ]
    let text = (0..<Int.random(in: 0...6, using: &random)).map { _ in
      pieces[Int.random(in: 0..<pieces.count, using: &random)]
    }
    return "\"\(text.joined())\""
  }

  static func foundation(_ bytes: some Sequence<UInt8>) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
  }

  static func isEqual(_ value: JSON, _ other: Any) -> Bool {
    switch value {
    case .null: other is NSNull
    case .bool(let flag): (other as? Bool) == flag
    case .number: (other as? NSNumber)?.doubleValue == value.double
    case .string(let text):
      (other as? String).map { Array($0.unicodeScalars) == Array(text.unicodeScalars) } ?? false
    case .array(let elements):
      (other as? [Any]).map { list in
        list.count == elements.count && zip(elements, list).allSatisfy { isEqual($0, $1) }
      } ?? false
    case .object(let members):
      (other as? [String: Any]).map { object in
        object.count == members.count
          && members.allSatisfy { member in object[member.key].map { isEqual(member.value, $0) } ?? false }
      } ?? false
    }
  }
}
