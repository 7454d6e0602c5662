import CogBase
import CogModel

/// The first 128 bytes of a native file (`Formats/native.md`, "Header").
struct NativeHeader: Equatable {
  static let version: UInt32 = 2
  static let byteCount = 128
  static let alignment = 4096

  /// A byte range of the file.
  struct Section: Equatable {
    var offset: Int
    var count: Int
    var range: Range<Int> { offset..<offset + count }
  }

  var fileSize = 0
  var data = Section(offset: 0, count: 0)
  var directory = Section(offset: 0, count: 0)
  var metadata = Section(offset: 0, count: 0)
  var tokenizer = Section(offset: 0, count: 0)
  var tensorCount = 0
  /// CRC-32 of the directory section followed by the metadata section.
  var indexChecksum: UInt32 = 0
  /// CRC-32 of the tokenizer section.
  var tokenizerChecksum: UInt32 = 0

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(contentsOf: NativeFormat.magic)
    writer.write(Self.version)
    writer.write(UInt32(Self.byteCount))
    writer.write(UInt64(fileSize))
    for section in [data, directory, metadata, tokenizer] {
      writer.write(UInt64(section.offset))
      writer.write(UInt64(section.count))
    }
    writer.write(UInt32(tensorCount))
    writer.write(UInt32(Self.alignment))
    writer.write(indexChecksum)
    writer.write(tokenizerChecksum)
    writer.pad(to: Self.byteCount - 4)
    writer.write(Checksum.crc32(writer.bytes))
    return writer.bytes
  }

  init() {}

  /// Reads and checks the header against the size of the file that it is in.
  init(_ bytes: UnsafeRawBufferPointer) throws {
    guard bytes.count >= Self.byteCount else {
      throw CogError(
        "the file is too short for a native file", code: .damaged,
        expected: "at least \(Self.byteCount) bytes",
        found: "\(bytes.count)")
    }
    guard bytes.prefix(NativeFormat.magic.count).elementsEqual(NativeFormat.magic) else {
      throw CogError(
        "not a native file: it does not start with the magic bytes of one", code: .unsupported,
        advice: "Make one with cogvlm convert or cogvlm quantize.")
    }
    var reader = ByteReader(bytes, at: NativeFormat.magic.count, what: "header")
    let version: UInt32 = try reader.read()
    guard version == Self.version else {
      throw CogError(
        "the format's version is unknown", code: .unsupported, subject: "version",
        expected: "\(Self.version)",
        found: "\(version)",
        advice: "Convert the checkpoint again with this version of cogvlm.")
    }
    let stored = bytes.loadUnaligned(fromByteOffset: Self.byteCount - 4, as: UInt32.self).littleEndian
    let computed = Checksum.crc32(UnsafeRawBufferPointer(rebasing: bytes[..<(Self.byteCount - 4)]))
    guard stored == computed else {
      throw CogError(
        "the header is damaged", code: .damaged, subject: "header checksum",
        expected: "0x\(stored.hexadecimal)",
        found: "0x\(computed.hexadecimal)",
        advice: "Copy the file again or convert again.")
    }
    try readFields(&reader, actualSize: bytes.count)
    guard try reader.take(Self.byteCount - 4 - reader.offset).allSatisfy({ $0 == 0 }),
      bytes[Self.byteCount..<min(Self.alignment, bytes.count)].allSatisfy({ $0 == 0 })
    else {
      throw CogError(
        "reserved bytes of the header are used", code: .damaged,
        expected: "zeros up to byte \(Self.alignment)")
    }
    try checkPlaces()
  }

  private mutating func readFields(_ reader: inout ByteReader, actualSize: Int) throws {
    let headerBytes: UInt32 = try reader.read()
    guard headerBytes == UInt32(Self.byteCount) else {
      throw CogError(
        "the header has another size", code: .damaged, expected: "\(Self.byteCount)", found: "\(headerBytes)")
    }
    fileSize = try Checked.int(reader.read(), "file size")
    guard fileSize == actualSize else {
      throw CogError(
        actualSize < fileSize ? "the file is cut off" : "bytes follow the end of the file", code: .damaged,
        expected: "\(fileSize) bytes",
        found: "\(actualSize)", advice: "Copy the file again.")
    }
    data = try Self.section(&reader, "data", fileSize)
    directory = try Self.section(&reader, "directory", fileSize)
    metadata = try Self.section(&reader, "metadata", fileSize)
    tokenizer = try Self.section(&reader, "tokenizer", fileSize)
    tensorCount = Int(try reader.read(UInt32.self))
    let alignment: UInt32 = try reader.read()
    guard alignment == UInt32(Self.alignment) else {
      throw CogError(
        "the alignment is unknown", code: .unsupported, expected: "\(Self.alignment)", found: "\(alignment)")
    }
    indexChecksum = try reader.read()
    tokenizerChecksum = try reader.read()
  }

  /// Sections start on their alignment behind the header's page, and no two overlap.
  private func checkPlaces() throws {
    let sections = [
      ("data", data, Self.alignment), ("directory", directory, 64), ("metadata", metadata, 64),
      ("tokenizer", tokenizer, 64),
    ]
    for (name, section, alignment) in sections
    where section.offset % alignment != 0 || section.offset < Self.alignment {
      throw CogError(
        "the \(name) section is misplaced", code: .damaged,
        expected: "a multiple of \(alignment), at least \(Self.alignment)",
        found: "\(section.offset)")
    }
    let ordered = sections.sorted { ($0.1.offset, $0.1.count) < ($1.1.offset, $1.1.count) }
    for (first, second) in zip(ordered, ordered.dropFirst()) where first.1.range.upperBound > second.1.offset
    {
      throw CogError(
        "the \(first.0) section and the \(second.0) section overlap", code: .damaged,
        found: "\(first.1.range), \(second.1.range)")
    }
  }

  private static func section(_ reader: inout ByteReader, _ name: String, _ fileSize: Int) throws -> Section {
    let offset = try Checked.int(reader.read(), "offset of the \(name)")
    let count = try Checked.int(reader.read(), "size of the \(name)")
    guard offset <= fileSize, count <= fileSize - offset else {
      throw CogError(
        "the \(name) section lies outside of the file", code: .damaged, expected: "at most byte \(fileSize)",
        found: "\(offset) + \(count)")
    }
    return Section(offset: offset, count: count)
  }
}
