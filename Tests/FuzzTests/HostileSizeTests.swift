import CogBase
import CogFuzzing
import CogTestSupport
import Foundation
import Testing

/// Large files that want more memory than they have bytes: fuzzers, whose inputs are short, do not find them.
@Suite("Large hostile files", .serialized) struct HostileSizeTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Replays an input; it must keep to 2 s and 256 MB above its size, and be refused for a reason with these
  /// words, or read where there are none.
  private func expect(
    _ target: FuzzTarget, _ bytes: [UInt8], says: String?, location: SourceLocation = #_sourceLocation
  ) throws {
    let path = try folder.write(bytes, as: "hostile")
    let outcome = try Program.run(Program.built("fuzz-replay"), [target.rawValue, path])
    let call = Comment(rawValue: outcome.output + outcome.errors)
    #expect(outcome.status == 0, call, sourceLocation: location)
    let expected = says ?? ", read"
    #expect(outcome.output.contains(expected), call, sourceLocation: location)
  }

  private static func repeated(_ unit: String, _ count: Int) -> [UInt8] {
    Array(repeatElement(Array(unit.utf8), count: count).joined())
  }

  /// A safetensors file of a header alone.
  private static func header(_ text: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
  }

  @Test(
    "JSON of very many values is refused, whatever file it stands in",
    arguments: ["0,", "[],", "{},", "\"a\",", "[[0]],", "null,", "{\"a\":[]},"])
  func values(_ unit: String) throws {
    let list = Self.repeated(unit, (48 << 20) / unit.utf8.count)
    let text = Array("{\"a\":[".utf8) + list + Array("0]}".utf8)
    try expect(.safetensors, Self.header(text), says: "more values than any safetensors header has")
    try expect(.index, text + Array("\"weight_map\"".utf8), says: "refused")
    try expect(.config, text, says: "the configuration is too long")
    try expect(.tokenizer, text, says: "more values than any tokenizer has")
    try expect(
      .questions, Array("[".utf8) + list + Array("0]".utf8), says: "more values than any question file")
  }

  @Test("JSON of very many keys is refused")
  func keys() throws {
    let members = (0..<3_000_000).map { "\"\($0)\":0" }.joined(separator: ",")
    try expect(.safetensors, Self.header(Array("{\(members)}".utf8)), says: "more values than any")
    try expect(.config, Array("{\(members)}".utf8), says: "the configuration is too long")
  }

  @Test("Very long texts, numbers and names are read or refused, and no message repeats them")
  func lengths() throws {
    let size = 48 << 20
    let escapes = Self.repeated("\\n", size / 2)
    try expect(.safetensors, Self.header(Array("{\"".utf8) + escapes + Array("\":0}".utf8)), says: "refused")
    let pairs = Self.repeated("\\ud83d\\ude00", size / 12)
    try expect(
      .config, Array("{\"architectures\":[\"".utf8) + pairs + Array("\"]}".utf8),
      says: "the configuration is too long")
    let digits = Self.repeated("9", size)
    try expect(.config, Array("{\"num_hidden_layers\":".utf8) + digits + Array("}".utf8), says: "refused")
    let name = Self.repeated("n", size)
    let entry =
      Array("{\"".utf8) + name + Array("\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}".utf8)
    try expect(
      .safetensors, Self.header(entry) + [UInt8](repeating: 0, count: 8),
      says: "names of the tensors are too long")
  }

  @Test("A header of as many tensors as are believed keeps within its bounds")
  func tensors() throws {
    let entry = { (index: Int) in
      "\"model.layers.\(index).weight\":{\"dtype\":\"F32\",\"shape\":[0,1],\"data_offsets\":[0,0]}"
    }
    for (count, says) in [(50_000, nil), (1_000_000, "more values than any")] as [(Int, String?)] {
      let text = "{" + (0..<count).map(entry).joined(separator: ",") + "}"
      try expect(.safetensors, Self.header(Array(text.utf8)), says: says)
    }
  }

  @Test(
    "Pickles that fill stack, memo and heap are refused",
    arguments: [
      "\u{94}", "\u{85}", "N0", ")0", "}", "]", "(", "X\u{8}\u{0}\u{0}\u{0}abcdefgh0",
    ])
  func pickles(_ unit: String) throws {
    let bytes = unit.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    let body = Array(repeatElement(bytes, count: (16 << 20) / bytes.count).joined())
    try expect(.pickle, [0x80, 2, UInt8(ascii: "N")] + body, says: ": the pickle")
  }

  @Test("A pickle that stores values under ever new numbers is refused")
  func memo() throws {
    var writer = ByteWriter()
    writer.write(contentsOf: [0x80, 2, UInt8(ascii: "N")])
    for number in 0..<UInt32(8_000_000) {
      writer.write(UInt8(ascii: "r"))
      writer.write(number &* 2_654_435_761)
    }
    try expect(.pickle, writer.bytes, says: ": the pickle")
  }

  @Test("A journal of line ends, or of one endless line, is refused or begun anew")
  func journals() throws {
    try expect(.journal, [UInt8](repeating: UInt8(ascii: "\n"), count: 15 << 20), says: nil)
    let endless = [UInt8](repeating: UInt8(ascii: "0"), count: 15 << 20)
    try expect(.journal, endless, says: "not one of a conversion")
    try expect(.journal, [UInt8](repeating: UInt8(ascii: "\n"), count: 48 << 20), says: nil)
    let list = Array("00000000 {\"sources\":[".utf8) + Self.repeated("0,", 7 << 20) + Array("0]}\n".utf8)
    try expect(.journal, list, says: "not one of a conversion")
  }

  @Test("Lists of videos with endless lines, columns and names are read or refused")
  func videos() throws {
    let size = 48 << 20
    for (unit, says) in [
      ("\n", "the list has no videos"), ("\r\n", "the list has no videos"), (",", "too many columns"),
      ("\"", "the text is too long"), ("a", "the text is too long"), ("a\n", "the list is too long"),
      ("{", "refused"),
      ("{}\n", "there is no video"),
    ] as [(String, String?)] {
      try expect(.videos, Self.repeated(unit, size / unit.utf8.count), says: says)
    }
    let table = Array("video,b\na,".utf8)
    for (unit, says) in [
      ("\n", nil), ("\r\n", nil), ("b\na,", "the list is too long"), (",", "too many columns"),
    ] as [(String, String?)] {
      try expect(.videos, table + Self.repeated(unit, size / unit.utf8.count), says: says)
    }
    let names = (0..<1_100_000).map { "\($0)\n" }.joined()
    try expect(.videos, Array(names.utf8), says: "the list is too long")
  }
}
