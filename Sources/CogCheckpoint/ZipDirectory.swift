import CogBase

/// One file inside a zip archive, as its central directory and its local header say in agreement.
struct ZipEntry: Sendable {
  enum Method: Sendable, Equatable {
    case stored
    case deflated
    case other(UInt16)
  }

  let name: String
  let method: Method
  let isEncrypted: Bool
  /// CRC-32 of the uncompressed bytes.
  let checksum: UInt32
  /// Where the (compressed) bytes lie in the archive's file.
  let dataRange: Range<Int>
  /// Bytes after decompression.
  let size: Int
}

/// The directory of a zip archive: end record, zip64 end record, central directory and local headers, each
/// checked against the others.
///
/// Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central header), 4.3.14 (zip64
/// end record), 4.3.15 (its locator), 4.3.16 (end record), 4.5.3 (zip64 extra field).
struct ZipDirectory {
  /// The entries in the order of their data in the file.
  let entries: [ZipEntry]

  /// More entries than any checkpoint has; it bounds the memory that a hostile directory can take.
  static let mostEntries = 1 << 17

  private static let longestNames = 8 << 20

  private static let endSignature: UInt32 = 0x0605_4B50
  private static let endSize = 22
  private static let zip64EndSignature: UInt32 = 0x0606_4B50
  private static let zip64EndSize = 56
  private static let locatorSignature: UInt32 = 0x0706_4B50
  private static let locatorSize = 20
  private static let centralSignature: UInt32 = 0x0201_4B50
  private static let centralSize = 46
  private static let localSignature: UInt32 = 0x0403_4B50

  /// The three numbers of the end record that lead to the central directory.
  private struct End {
    var entryCount: Int
    var directorySize: Int
    var directoryOffset: Int
  }

  /// - Throws: ``CogError`` at the first contradiction.
  init(archive bytes: UnsafeRawBufferPointer) throws {
    let end = try Self.findEnd(bytes)
    let directoryEnd = end.directoryOffset + end.directorySize
    var reader = ByteReader(
      UnsafeRawBufferPointer(rebasing: bytes[end.directoryOffset..<directoryEnd]), what: "zip directory")
    guard end.entryCount <= Self.mostEntries, end.entryCount <= end.directorySize / Self.centralSize else {
      throw CogError(
        "the number of zip entries is not believable",
        expected: "at most \(min(Self.mostEntries, end.directorySize / Self.centralSize))",
        found: "\(end.entryCount)")
    }
    var located: [(start: Int, entry: ZipEntry)] = []
    var names: Set<ByteKey> = []
    var nameBytes = 0
    for _ in 0..<end.entryCount {
      let header = try CentralHeader(&reader)
      nameBytes += header.name.utf8.count
      guard nameBytes <= Self.longestNames else {
        throw CogError(
          "the names in the zip directory are too long",
          expected: "at most \(Self.longestNames) bytes together")
      }
      guard names.insert(ByteKey(header.name)).inserted else {
        throw CogError("the zip entry is there twice", subject: header.name)
      }
      located.append((header.localOffset, try Self.locate(header, bytes, directory: end.directoryOffset)))
    }
    guard reader.remaining == 0 else {
      throw CogError("the zip directory has more than its entries", found: "\(reader.remaining) bytes more")
    }
    located.sort { $0.start < $1.start }
    for (one, next) in zip(located, located.dropFirst()) where one.entry.dataRange.upperBound > next.start {
      throw CogError("two zip entries overlap", subject: "\(one.entry.name) and \(next.entry.name)")
    }
    entries = located.map(\.entry)
  }

  // MARK: End records

  /// Finds the end record, which stands last but for a comment and zeros, and what it (or its zip64 form)
  /// says.
  private static func findEnd(_ bytes: UnsafeRawBufferPointer) throws -> End {
    let last = bytes.count - endSize
    let first = max(0, last - Int(UInt16.max))
    var offset = last
    while offset >= first {
      if bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self).littleEndian == endSignature,
        let end = try readEnd(bytes, at: offset)
      {
        return end
      }
      offset -= 1
    }
    throw CogError(
      "the zip archive has no end record", expected: "it in the last bytes of the file", found: "none",
      advice: "The download is not complete: download it again.")
  }

  /// The end record at `offset`, or nil when the signature stands there by chance (the comment does not fit).
  private static func readEnd(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws -> End? {
    var reader = ByteReader(bytes, at: offset + 4, what: "zip end record")
    let disks = (try reader.read(UInt16.self), try reader.read(UInt16.self))
    let entriesHere = try reader.read(UInt16.self)
    let entries = try reader.read(UInt16.self)
    let size = try reader.read(UInt32.self)
    let start = try reader.read(UInt32.self)
    // Zeros behind the archive, which disks and downloads in blocks leave, are passed over as PyTorch does.
    let recordEnd = offset + endSize + Int(try reader.read(UInt16.self))
    guard recordEnd <= bytes.count, bytes[recordEnd...].allSatisfy({ $0 == 0 }) else { return nil }
    guard disks == (0, 0) || disks == (.max, .max), entriesHere == entries else {
      throw CogError("the zip archive is split over several files", advice: "Join its parts first.")
    }
    var end = End(entryCount: Int(entries), directorySize: Int(size), directoryOffset: Int(start))
    var directoryLimit = offset
    if let (long, position) = try readZip64End(bytes, endOffset: offset) {
      guard entries == .max || Int(entries) == long.entryCount,
        size == .max || Int(size) == long.directorySize,
        start == .max || Int(start) == long.directoryOffset
      else { throw CogError("the zip end record and its zip64 form do not agree") }
      (end, directoryLimit) = (long, position)
    }
    guard try Checked.add(end.directoryOffset, end.directorySize, "zip directory") == directoryLimit else {
      throw CogError(
        "the zip directory is not where the end record says", expected: "its end at byte \(directoryLimit)",
        found: "\(end.directorySize) bytes at \(end.directoryOffset)",
        advice: "Bytes are missing or were put in: download it again.")
    }
    return end
  }

  /// The zip64 end record and its offset when a locator stands right before the end record.
  private static func readZip64End(_ bytes: UnsafeRawBufferPointer, endOffset: Int) throws -> (End, Int)? {
    let locatorOffset = endOffset - locatorSize
    guard locatorOffset >= 0 else { return nil }
    var locator = ByteReader(bytes, at: locatorOffset, what: "zip64 locator")
    guard try locator.read(UInt32.self) == locatorSignature else { return nil }
    try locator.skip(4)
    let position = try Checked.int(locator.read(UInt64.self), "offset of the zip64 end record")
    guard position <= locatorOffset - zip64EndSize else {
      throw CogError(
        "the zip64 end record is not where its locator says", expected: "an offset before \(locatorOffset)",
        found: "\(position)")
    }
    var reader = ByteReader(bytes, at: position, what: "zip64 end record")
    guard try reader.read(UInt32.self) == zip64EndSignature else {
      throw CogError(
        "the zip64 end record is not where its locator says", found: "other bytes at \(position)")
    }
    guard try reader.read(UInt64.self) == UInt64(locatorOffset - position - 12) else {
      throw CogError("the zip64 end record has a wrong size")
    }
    try reader.skip(12)
    let entriesHere = try reader.read(UInt64.self)
    let entries = try reader.read(UInt64.self)
    guard entriesHere == entries else {
      throw CogError("the zip archive is split over several files", advice: "Join its parts first.")
    }
    let end = End(
      entryCount: try Checked.int(entries, "number of zip entries"),
      directorySize: try Checked.int(reader.read(UInt64.self), "size of the zip directory"),
      directoryOffset: try Checked.int(reader.read(UInt64.self), "offset of the zip directory"))
    return (end, position)
  }

  // MARK: Entries

  /// The sizes of an entry and what the zip64 extra field puts in their place.
  private struct Sizes {
    var uncompressed: UInt64
    var compressed: UInt64
    var localOffset: UInt64

    /// Replaces each number that is all ones by the next one of the zip64 extra field.
    mutating func resolve(_ extra: UnsafeRawBufferPointer) throws {
      let sentinel = UInt64(UInt32.max)
      guard uncompressed == sentinel || compressed == sentinel || localOffset == sentinel else { return }
      var fields = ByteReader(extra, what: "zip extra field")
      while fields.remaining >= 4 {
        let id = try fields.read(UInt16.self)
        var field = ByteReader(try fields.take(Int(fields.read(UInt16.self))), what: "zip64 extra field")
        guard id == 1 else { continue }
        if uncompressed == sentinel { uncompressed = try field.read(UInt64.self) }
        if compressed == sentinel { compressed = try field.read(UInt64.self) }
        if localOffset == sentinel { localOffset = try field.read(UInt64.self) }
        return
      }
    }
  }

  /// An entry of the central directory.
  private struct CentralHeader {
    let name: String
    let flags: UInt16
    let method: UInt16
    let checksum: UInt32
    let size: Int
    let compressedSize: Int
    let localOffset: Int

    init(_ reader: inout ByteReader) throws {
      guard try reader.read(UInt32.self) == centralSignature else {
        throw CogError(
          "the zip directory is damaged", subject: "entry at byte \(reader.offset - 4) of the directory")
      }
      try reader.skip(4)
      flags = try reader.read()
      method = try reader.read()
      try reader.skip(4)
      checksum = try reader.read()
      let (compressed, uncompressed) = (try reader.read(UInt32.self), try reader.read(UInt32.self))
      let nameLength = try reader.read(UInt16.self)
      let extraLength = try reader.read(UInt16.self)
      let commentLength = try reader.read(UInt16.self)
      let disk = try reader.read(UInt16.self)
      try reader.skip(6)
      let local = try reader.read(UInt32.self)
      name = try reader.readText(Int(nameLength))
      var sizes = Sizes(
        uncompressed: .init(uncompressed), compressed: .init(compressed), localOffset: .init(local))
      try sizes.resolve(try reader.take(Int(extraLength)))
      try reader.skip(Int(commentLength))
      guard disk == 0 || disk == .max else {
        throw CogError(
          "the zip archive is split over several files", subject: name, advice: "Join its parts first.")
      }
      size = try Checked.int(sizes.uncompressed, "size of zip entry \(name)")
      compressedSize = try Checked.int(sizes.compressed, "size of zip entry \(name)")
      localOffset = try Checked.int(sizes.localOffset, "offset of zip entry \(name)")
    }
  }

  /// Reads the local header of an entry, holds it against the central one, and finds the data behind it.
  private static func locate(
    _ central: CentralHeader, _ bytes: UnsafeRawBufferPointer, directory: Int
  ) throws -> ZipEntry {
    func disagree(_ what: String) -> CogError {
      CogError("the zip entry's two headers do not agree about \(what)", subject: central.name)
    }
    let before = UnsafeRawBufferPointer(rebasing: bytes[..<directory])
    var reader = ByteReader(before, at: central.localOffset, what: "zip archive")
    guard try reader.read(UInt32.self) == localSignature else {
      throw CogError(
        "the zip entry has no local header", subject: central.name,
        expected: "one at byte \(central.localOffset)")
    }
    try reader.skip(2)
    let flags = try reader.read(UInt16.self)
    guard try reader.read(UInt16.self) == central.method else { throw disagree("the method") }
    try reader.skip(4)
    let checksum = try reader.read(UInt32.self)
    let (compressed, uncompressed) = (try reader.read(UInt32.self), try reader.read(UInt32.self))
    let nameLength = try reader.read(UInt16.self)
    let extraLength = try reader.read(UInt16.self)
    guard try reader.take(Int(nameLength)).elementsEqual(central.name.utf8) else {
      throw disagree("the name")
    }
    var sizes = Sizes(uncompressed: .init(uncompressed), compressed: .init(compressed), localOffset: 0)
    try sizes.resolve(try reader.take(Int(extraLength)))
    // Bit 3: sizes and checksum follow the data and the fields here are zero, which is how PyTorch writes.
    let isDeferred = flags & 8 != 0 && compressed == 0 && uncompressed == 0 && checksum == 0
    if !isDeferred {
      guard checksum == central.checksum else { throw disagree("the checksum") }
      guard sizes.uncompressed == central.size, sizes.compressed == central.compressedSize else {
        throw disagree("the size")
      }
    }
    let start = reader.offset
    try reader.skip(central.compressedSize)
    guard central.method != 0 || central.size == central.compressedSize else {
      throw CogError(
        "the stored zip entry has two sizes", subject: central.name, expected: "\(central.compressedSize)",
        found: "\(central.size)")
    }
    let method: ZipEntry.Method =
      switch central.method {
      case 0: .stored
      case 8: .deflated
      default: .other(central.method)
      }
    return ZipEntry(
      name: central.name, method: method, isEncrypted: (flags | central.flags) & 1 != 0,
      checksum: central.checksum, dataRange: start..<reader.offset, size: central.size)
  }
}
