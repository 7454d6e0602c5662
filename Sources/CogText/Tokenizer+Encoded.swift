import CogBase

// The compact form of a tokenizer; Formats/tokenizer.md specifies it byte by byte.
extension Tokenizer {
  /// "CGTK" as its four bytes stand in the file.
  private static let magic: UInt32 = 0x4B54_4743
  private static let formatVersion: UInt32 = 1
  private static let ignoresMergesFlag: UInt32 = 1

  /// The tokenizer in the compact form of `Formats/tokenizer.md`, which ``init(encoded:file:)`` reads.
  package func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(Self.magic)
    writer.write(Self.formatVersion)
    writer.write(ignoresMerges ? Self.ignoresMergesFlag : 0)
    writer.write(UInt32(tokens.count))
    writer.write(UInt32(merges.merges.count))
    writer.write(UInt32(tokens.bytes.count))
    for end in tokens.ends { writer.write(end) }
    for merge in merges.merges {
      writer.write(merge.left)
      writer.write(merge.right)
      writer.write(merge.result)
    }
    writer.write(contentsOf: tokens.kinds)
    writer.write(contentsOf: tokens.bytes)
    return writer.bytes
  }

  /// Reads the compact form of `Formats/tokenizer.md`.
  ///
  /// - Parameters:
  ///   - bytes: exactly the bytes of the compact form; they are copied.
  ///   - file: the path of the file that holds them, for errors.
  /// - Throws: `CogError` when the bytes are of another kind or version, end too early or too late, or
  ///   contradict themselves.
  package init(encoded bytes: UnsafeRawBufferPointer, file: String) throws {
    self = try naming(file: file) {
      var reader = ByteReader(bytes, what: "tokenizer")
      guard try reader.read(UInt32.self) == Self.magic else {
        throw CogError("the tokenizer does not begin as one", expected: "CGTK")
      }
      let version = try reader.read(UInt32.self)
      guard version == Self.formatVersion else {
        throw CogError(
          "the tokenizer has another version", expected: "\(Self.formatVersion)", found: "\(version)",
          advice: "Make the file anew with this version of the toolkit.")
      }
      let flags = try reader.read(UInt32.self)
      guard flags & ~Self.ignoresMergesFlag == 0 else {
        throw CogError("the tokenizer has unknown flags", expected: "0 or 1", found: "\(flags)")
      }
      return try Tokenizer(tables: &reader, ignoresMerges: flags & Self.ignoresMergesFlag != 0)
    }
  }

  /// Reads what follows the flags. `Int` has 64 bits, so that sums and products of 32-bit counts cannot
  /// overflow.
  private init(tables reader: inout ByteReader, ignoresMerges: Bool) throws {
    let tokenCount = Int(try reader.read(UInt32.self))
    let mergeCount = Int(try reader.read(UInt32.self))
    let byteCount = Int(try reader.read(UInt32.self))
    let expected = 4 * tokenCount + 12 * mergeCount + tokenCount + byteCount
    guard reader.remaining == expected else {
      throw CogError(
        "the tokenizer's length does not fit its counts", expected: "\(expected) bytes after the header",
        found: "\(reader.remaining)")
    }
    let ends = try Self.numbers(tokenCount, &reader)
    let mergeIDs = try Self.numbers(3 * mergeCount, &reader)
    let merges = (0..<mergeCount).map {
      Merge(left: mergeIDs[3 * $0], right: mergeIDs[3 * $0 + 1], result: mergeIDs[3 * $0 + 2])
    }
    let kinds = try Array(reader.take(tokenCount))
    tokens = try TokenTable(bytes: try Array(reader.take(byteCount)), ends: ends, kinds: kinds)
    self.merges = try MergeTable(merges, tokens: tokens)
    self.ignoresMerges = ignoresMerges
  }

  private static func numbers(_ count: Int, _ reader: inout ByteReader) throws -> [UInt32] {
    let slice = try reader.take(4 * count)
    return (0..<count).map {
      UInt32(littleEndian: slice.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self))
    }
  }
}
