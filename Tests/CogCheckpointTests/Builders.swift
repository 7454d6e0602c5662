import CogBase
import CogCheckpoint
import CogModel
import CogTestSupport
import Glibc
import Testing

/// Writes safetensors files, right or wrong.
extension SafetensorsBuilder {
  /// A file with two tensors of 6 and 2 elements and metadata; the header has an odd length, so nothing is
  /// aligned.
  static let small = file(
    header: """
      {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[2,26]},\
      "b":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}}
      """, data: Array(1...26))

  /// A file of BF16 tensors with the given names and shapes, all zero.
  static func zeros(_ tensors: [(name: String, shape: [Int])]) -> [UInt8] {
    file(
      tensors.map { name, shape in
        Tensor(
          name, type: "BF16", shape: shape, bytes: [UInt8](repeating: 0, count: 2 * shape.reduce(1, *)))
      })
  }
}

/// Writes zip archives, right or wrong.
struct ZipBuilder {
  struct Entry {
    var name: String
    /// The bytes as they stand in the archive.
    var packed: [UInt8]
    var size: UInt64
    var checksum: UInt32
    var method: UInt16 = 0
    var flags: UInt16 = 0
  }

  enum Style {
    /// 32-bit fields, sizes in the local headers.
    case plain
    /// All sizes and offsets in zip64 extra fields, zip64 end record.
    case zip64
    /// As PyTorch writes: sizes deferred (flag 8), padding in the local extra field, zip64 end record beside
    /// the other.
    case torch
  }

  var entries: [Entry] = []
  var style = Style.plain
  var comment: [UInt8] = []
  /// Changes the central directory's idea of an entry.
  var central: (Int, inout Entry) -> Void = { _, _ in }

  mutating func add(_ name: String, _ bytes: [UInt8]) {
    entries.append(Entry(name: name, packed: bytes, size: UInt64(bytes.count), checksum: checksum(bytes)))
  }

  /// Adds an entry as a deflate stream of stored blocks.
  mutating func addDeflated(_ name: String, _ bytes: [UInt8]) {
    var packed: [UInt8] = []
    let blocks = stride(from: 0, to: max(bytes.count, 1), by: 60000).map {
      bytes[$0..<min($0 + 60000, bytes.count)]
    }
    for (index, block) in blocks.enumerated() {
      let length = UInt16(block.count)
      packed += [index == blocks.count - 1 ? 1 : 0, UInt8(length & 255), UInt8(length >> 8)]
      packed += [UInt8(~length & 255), UInt8(~length >> 8)] + block
    }
    entries.append(
      Entry(name: name, packed: packed, size: UInt64(bytes.count), checksum: checksum(bytes), method: 8))
  }

  var bytes: [UInt8] {
    var writer = ByteWriter()
    let offsets = entries.map { entry in
      let offset = writer.bytes.count
      writeLocal(entry, &writer)
      writer.write(contentsOf: entry.packed)
      return offset
    }
    let start = writer.bytes.count
    for (index, (entry, offset)) in zip(entries, offsets).enumerated() {
      var entry = entry
      central(index, &entry)
      writeCentral(entry, offset: offset, &writer)
    }
    writeEnd(start: start, size: writer.bytes.count - start, &writer)
    return writer.bytes
  }

  private func writeLocal(_ entry: Entry, _ writer: inout ByteWriter) {
    let isDeferred = style == .torch
    writer.write(UInt32(0x0403_4B50))
    writer.write(UInt16(45))
    writer.write(entry.flags | (isDeferred ? 8 : 0))
    writer.write(entry.method)
    writer.write(UInt32(0))
    writer.write(isDeferred ? 0 : entry.checksum)
    writeSizes(entry, zero: isDeferred, &writer)
    writer.write(UInt16(entry.name.utf8.count))
    var extra = ByteWriter()
    if style == .zip64 { writeExtra(entry, offset: nil, &extra) }
    if isDeferred {
      let pad = 64 - (writer.bytes.count + 2 + entry.name.utf8.count + 4) % 64
      extra.write(contentsOf: Array("FB".utf8) + [UInt8(pad), 0] + [UInt8](repeating: 0x5A, count: pad))
    }
    writer.write(UInt16(extra.bytes.count))
    writer.write(contentsOf: entry.name.utf8)
    writer.write(contentsOf: extra.bytes)
  }

  private func writeCentral(_ entry: Entry, offset: Int, _ writer: inout ByteWriter) {
    writer.write(UInt32(0x0201_4B50))
    writer.write(UInt16(45))
    writer.write(UInt16(45))
    writer.write(entry.flags | (style == .torch ? 8 : 0))
    writer.write(entry.method)
    writer.write(UInt32(0))
    writer.write(entry.checksum)
    writeSizes(entry, zero: false, &writer)
    var extra = ByteWriter()
    if style == .zip64 { writeExtra(entry, offset: offset, &extra) }
    for length in [entry.name.utf8.count, extra.bytes.count, 0, 0, 0] { writer.write(UInt16(length)) }
    writer.write(UInt32(0))
    writer.write(style == .zip64 ? UInt32.max : UInt32(offset))
    writer.write(contentsOf: entry.name.utf8)
    writer.write(contentsOf: extra.bytes)
  }

  private func writeSizes(_ entry: Entry, zero: Bool, _ writer: inout ByteWriter) {
    for size in [UInt64(entry.packed.count), entry.size] {
      writer.write(zero ? 0 : style == .zip64 ? UInt32.max : UInt32(truncatingIfNeeded: size))
    }
  }

  private func writeExtra(_ entry: Entry, offset: Int?, _ writer: inout ByteWriter) {
    writer.write(UInt16(1))
    writer.write(UInt16(offset == nil ? 16 : 24))
    writer.write(entry.size)
    writer.write(UInt64(entry.packed.count))
    if let offset { writer.write(UInt64(offset)) }
  }

  private func writeEnd(start: Int, size: Int, _ writer: inout ByteWriter) {
    let count = entries.count
    let end = writer.bytes.count
    if style != .plain {
      writer.write(UInt32(0x0606_4B50))
      writer.write(UInt64(44))
      writer.write(UInt32(0x002D_002D))
      writer.write(UInt64(0))
      for number in [count, count, size, start] { writer.write(UInt64(number)) }
      writer.write(UInt32(0x0706_4B50))
      writer.write(UInt32(0))
      writer.write(UInt64(end))
      writer.write(UInt32(1))
    }
    let isLong = style == .zip64
    writer.write(UInt32(0x0605_4B50))
    writer.write(UInt32(0))
    for _ in 0..<2 { writer.write(isLong ? UInt16.max : UInt16(count)) }
    for number in [size, start] { writer.write(isLong ? UInt32.max : UInt32(number)) }
    writer.write(UInt16(comment.count))
    writer.write(contentsOf: comment)
  }
}

/// CRC-32 bit by bit, the plain twin of zlib's.
func checksum(_ bytes: [UInt8]) -> UInt32 {
  ~bytes.reduce(UInt32.max) { value, byte in
    (0..<8).reduce(value ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1
    }
  }
}

/// Expects `body` to throw a ``CogError`` whose description contains every one of `fragments`.
func expectRefusal(
  _ fragments: String..., sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
  do {
    try body()
    Issue.record("nothing was refused, expected: \(fragments)", sourceLocation: sourceLocation)
  } catch let error as CogError {
    for fragment in fragments {
      #expect(error.description.contains(fragment), sourceLocation: sourceLocation)
    }
    #expect(error.file != nil, "an error names its file: \(error)", sourceLocation: sourceLocation)
  } catch {
    Issue.record("another error: \(error)", sourceLocation: sourceLocation)
  }
}

/// Reads every byte of every tensor and checks that there are as many as its entry says.
@discardableResult
func readAll(_ store: any TensorStore) throws -> UInt64 {
  var sum: UInt64 = 0
  for entry in store.entries {
    let bytes = try store.bytes(of: entry)
    #expect(bytes.count == entry.byteCount)
    bytes.withUnsafeBytes { for byte in $0 { sum &+= UInt64(byte) } }
    store.release(entry)
  }
  return sum
}

/// The bytes of a tensor as an array.
func bytes(_ store: any TensorStore, _ name: String) throws -> [UInt8] { try store.loaded(name).bytes }

/// Opens `bytes` as a file, reads all of it, and says whether it was refused with a ``CogError``; anything
/// else fails.
func isRefused(_ bytes: [UInt8], in folder: TemporaryFolder) throws -> Bool {
  let path = folder.path("file")
  try overwrite(path, bytes)
  do {
    try readAll(Checkpoints.open(path: path))
    return false
  } catch is CogError {
    return true
  }
}

/// Writes a file without waiting for the disk, as the fuzz tests write tens of thousands.
private func overwrite(_ path: String, _ bytes: [UInt8]) throws {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
  try #require(descriptor >= 0)
  defer { close(descriptor) }
  try #require(write(descriptor, bytes, bytes.count) == bytes.count)
}
