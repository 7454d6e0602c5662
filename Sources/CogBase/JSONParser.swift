extension JSON {
  /// Parses one JSON document.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8 text; trailing white space is allowed, as safetensors headers are padded with spaces.
  ///   - what: what the bytes are, for errors ("header", "config.json").
  /// - Throws: ``CogError`` with the byte offset when the text is not JSON, nests deeper than 64 levels, has
  ///   a key twice in one object, is larger than any that is read, or has more values than fit 128 MiB beside
  ///   the text.
  package static func parse(_ bytes: UnsafeRawBufferPointer, what: String) throws -> JSON {
    guard bytes.count <= JSONParser.mostBytes else {
      throw CogError(
        "the \(what) is too long", expected: "at most \(JSONParser.mostBytes) bytes", found: "\(bytes.count)")
    }
    var parser = JSONParser(bytes: bytes, what: what)
    return try parser.parseDocument()
  }

  /// Parses one JSON document held in an array of bytes. - Throws: as
  /// ``parse(_:what:)-(UnsafeRawBufferPointer,_)``.
  package static func parse(_ bytes: [UInt8], what: String) throws -> JSON {
    try bytes.withUnsafeBytes { try parse($0, what: what) }
  }
}

/// A recursive-descent parser over raw bytes. Depth and memory are bounded, so that no file can exhaust them.
private struct JSONParser {
  let bytes: UnsafeRawBufferPointer
  let what: String
  var offset = 0
  /// Bytes that the values so far take, about.
  private var spent = 0

  static let maximumDepth = 64
  /// A value of two bytes of text takes some 64 in memory. The tokenizer of Llama 3, of 128,000 tokens and
  /// 280,000 pairs, takes 90 MB.
  private static let mostMemory = 128 << 20
  /// A box with its place in an array or object.
  private static let valueBytes = 64
  /// A key, and its place among the keys that were seen.
  private static let keyBytes = 112
  /// What an array, or a text that doesn't fit its value, takes beside its elements.
  private static let heapBytes = 48
  /// Texts up to this length take no memory of their own.
  private static let inlineText = 15
  /// More than any header, index or tokenizer has: the published tokenizer has 9 MB. It bounds the time.
  static let mostBytes = 128 << 20

  init(bytes: UnsafeRawBufferPointer, what: String) {
    self.bytes = bytes
    self.what = what
  }

  mutating func parseDocument() throws -> JSON {
    let value = try parseValue(depth: 0)
    skipSpace()
    guard offset == bytes.count else { throw failure("text follows the document") }
    return value
  }

  func failure(_ problem: String) -> CogError {
    CogError("the \(what) is not valid JSON: \(problem) at byte \(offset)")
  }

  /// Counts memory that is about to be taken.
  private mutating func spend(_ count: Int) throws {
    spent += count
    guard spent <= Self.mostMemory + bytes.count else {
      throw failure("there are more values than any \(what) has")
    }
  }

  mutating func skipSpace() {
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x0A, 0x0D, 0x09: offset += 1
      default: return
      }
    }
  }

  mutating func next() throws -> UInt8 {
    guard offset < bytes.count else { throw failure("the text ends too early") }
    defer { offset += 1 }
    return bytes[offset]
  }

  mutating func peek() throws -> UInt8 {
    guard offset < bytes.count else { throw failure("the text ends too early") }
    return bytes[offset]
  }

  mutating func expect(_ literal: StaticString, as value: JSON) throws -> JSON {
    for index in 0..<literal.utf8CodeUnitCount where try next() != literal.utf8Start[index] {
      offset -= 1
      throw failure("an unknown word stands")
    }
    return value
  }

  mutating func parseValue(depth: Int) throws -> JSON {
    guard depth < Self.maximumDepth else {
      throw failure("nesting is deeper than \(Self.maximumDepth) levels")
    }
    skipSpace()
    try spend(Self.valueBytes)
    switch try peek() {
    case UInt8(ascii: "{"): return try parseObject(depth: depth)
    case UInt8(ascii: "["): return try parseArray(depth: depth)
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try expect("true", as: .bool(true))
    case UInt8(ascii: "f"): return try expect("false", as: .bool(false))
    case UInt8(ascii: "n"): return try expect("null", as: .null)
    default: return try parseNumber()
    }
  }

  mutating func parseObject(depth: Int) throws -> JSON {
    offset += 1
    var members: [JSON.Member] = []
    var keys: Set<ByteKey> = []
    skipSpace()
    if try peek() == UInt8(ascii: "}") {
      offset += 1
      return .object([])
    }
    while true {
      skipSpace()
      guard try peek() == UInt8(ascii: "\"") else { throw failure("a key is missing") }
      try spend(Self.keyBytes)
      let key = try parseString()
      guard keys.insert(ByteKey(key)).inserted else {
        var error = failure("a key stands twice, the second time")
        error.found = "\"\(key)\""
        throw error
      }
      skipSpace()
      guard try next() == UInt8(ascii: ":") else { throw failure("a colon is missing") }
      members.append(JSON.Member(key: key, value: try parseValue(depth: depth + 1)))
      skipSpace()
      switch try next() {
      case UInt8(ascii: ","): continue
      case UInt8(ascii: "}"): return .object(members)
      default: throw failure("a comma or closing brace is missing")
      }
    }
  }

  mutating func parseArray(depth: Int) throws -> JSON {
    offset += 1
    try spend(Self.heapBytes)
    var elements: [JSON] = []
    skipSpace()
    if try peek() == UInt8(ascii: "]") {
      offset += 1
      return .array([])
    }
    while true {
      elements.append(try parseValue(depth: depth + 1))
      skipSpace()
      switch try next() {
      case UInt8(ascii: ","): continue
      case UInt8(ascii: "]"): return .array(elements)
      default: throw failure("a comma or closing bracket is missing")
      }
    }
  }

  mutating func parseNumber() throws -> JSON {
    let start = offset
    if try peek() == UInt8(ascii: "-") { offset += 1 }
    let whole = try digits()
    guard whole == 1 || bytes[offset - whole] != UInt8(ascii: "0") else {
      throw failure("a number starts with 0")
    }
    if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
      offset += 1
      _ = try digits()
    }
    if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if let sign = offset < bytes.count ? bytes[offset] : nil,
        [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(sign)
      {
        offset += 1
      }
      _ = try digits()
    }
    return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
  }

  /// Skips digits and returns how many there were; none is an error.
  mutating func digits() throws -> Int {
    let start = offset
    while offset < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[offset]) {
      offset += 1
    }
    guard offset > start else { throw failure("an unexpected character stands") }
    return offset - start
  }

  mutating func parseString() throws -> String {
    offset += 1
    let start = offset
    while true {
      let byte = try next()
      if byte == UInt8(ascii: "\"") { return try text(bytes[start..<offset - 1]) }
      if byte == UInt8(ascii: "\\") { break }
      guard byte >= 0x20 else { throw failure("a control character stands inside a string") }
    }
    offset -= 1
    return try parseEscapedString(from: start)
  }

  /// The slow path: the string from `start` has an escape at `offset`.
  mutating func parseEscapedString(from start: Int) throws -> String {
    var units = Array(bytes[start..<offset])
    while true {
      let byte = try next()
      switch byte {
      case UInt8(ascii: "\""): return try text(units)
      case UInt8(ascii: "\\"):
        let scalar = try parseEscape()
        if scalar.isASCII {
          units.append(UInt8(truncatingIfNeeded: scalar.value))
        } else {
          units.append(contentsOf: String(scalar).utf8)
        }
      case ..<0x20: throw failure("a control character stands inside a string")
      default: units.append(byte)
      }
    }
  }

  mutating func parseEscape() throws -> Unicode.Scalar {
    switch try next() {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "u"): return try parseUnicodeEscape()
    default: throw failure("an unknown escape stands")
    }
  }

  mutating func parseUnicodeEscape() throws -> Unicode.Scalar {
    let first = try hexQuad()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard (0xD800..<0xDC00).contains(first), try next() == UInt8(ascii: "\\"), try next() == UInt8(ascii: "u")
    else {
      throw failure("half of a surrogate pair stands")
    }
    let second = try hexQuad()
    guard (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw failure("half of a surrogate pair stands") }
    return scalar
  }

  mutating func hexQuad() throws -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(try next())).hexDigitValue else {
        throw failure("an unexpected character stands in an escape")
      }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  mutating func text(_ units: some Collection<UInt8>) throws -> String {
    if units.count > Self.inlineText { try spend(Self.heapBytes + units.count) }
    guard let text = String(validating: units, as: UTF8.self) else { throw failure("a string is not UTF-8") }
    return text
  }
}
