import CogBase
import CogCheckpoint
import CogTestSupport
import Testing

@Suite struct ZipTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let pickle = PickleBuilder.dict("w") { $0.tensor() }

  private static let small = PickleBuilder.archive(pickle, style: .torch)

  private func refuse(
    _ zip: ZipBuilder, _ fragment: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let path = try folder.write(zip.bytes, as: "bad.pt")
    expectRefusal(fragment, sourceLocation: sourceLocation) { try readAll(TorchFile(path: path)) }
  }

  /// An archive whose central directory (or entry itself) is changed.
  private func changed(
    deflated: Bool = false, style: ZipBuilder.Style = .plain,
    entry change: (inout ZipBuilder.Entry) -> Void = { _ in },
    central: @escaping (Int, inout ZipBuilder.Entry) -> Void = { _, _ in }
  ) -> ZipBuilder {
    var zip = ZipBuilder()
    zip.style = style
    zip.add("a/data.pkl", Self.pickle)
    if deflated { zip.addDeflated("a/data/0", Array(1...24)) } else { zip.add("a/data/0", Array(1...24)) }
    change(&zip.entries[1])
    zip.central = central
    return zip
  }

  @Test("A wrong checksum is found before a byte is handed out")
  func checksChecksums() throws {
    for deflated in [false, true] {
      try refuse(changed(deflated: deflated, entry: { $0.checksum ^= 1 }), "a/data/0")
      try refuse(changed(deflated: deflated, entry: { $0.packed[$0.packed.count - 1] ^= 1 }), "checksum")
    }
    let path = try folder.write(changed(entry: { $0.packed[3] ^= 1 }).bytes, as: "damaged.pt")
    let file = try TorchFile(path: path)
    for _ in 0..<2 {
      expectRefusal("damaged.pt", "tensor w", "checksum", "download it again") { _ = try file.loaded("w") }
    }
  }

  @Test("Headers that do not agree are refused")
  func refusesContradictions() throws {
    try refuse(changed(central: { if $0 == 1 { $1.checksum ^= 1 } }), "about the checksum")
    try refuse(changed(central: { if $0 == 1 { $1.size += 1 } }), "about the size")
    try refuse(changed(central: { if $0 == 1 { $1.method = 8 } }), "about the method")
    try refuse(changed(central: { if $0 == 1 { $1.name = "a/data/1" } }), "about the name")
    try refuse(changed(style: .zip64, central: { if $0 == 1 { $1.size += 1 } }), "about the size")
    try refuse(changed(style: .torch, central: { if $0 == 1 { $1.size += 1 } }), "two sizes")
  }

  @Test("Encrypted entries and other methods are refused by name")
  func refusesMethods() throws {
    try refuse(changed(entry: { $0.flags = 1 }), "encrypted")
    try refuse(changed(entry: { $0.method = 93 }), "found 93")
  }

  @Test("An entry that stands twice or overlaps another is refused")
  func refusesOverlaps() throws {
    var twice = changed()
    twice.add("a/data/0", Array(1...24))
    try refuse(twice, "there twice")
    // The second entry's bytes are inside the first one's.
    var inner = ZipBuilder()
    inner.add("a/data/0", Array(1...24))
    let hidden = Array(inner.bytes.prefix(30 + 8 + 24))
    var zip = ZipBuilder()
    zip.add("a/data.pkl", Self.pickle)
    zip.add("a/b", hidden)
    zip.add("a/data/0", Array(1...24))
    var bytes = zip.bytes
    let start = 30 + 10 + Self.pickle.count + 30 + 3
    let directory = try #require(bytes.lastRange(of: Array("a/data/0".utf8))?.lowerBound)
    bytes.replaceSubrange(
      directory - 4..<directory, with: withUnsafeBytes(of: UInt32(start).littleEndian, Array.init))
    let path = try folder.write(bytes, as: "overlap.pt")
    expectRefusal("overlap") { _ = try TorchFile(path: path) }
  }

  @Test("Deflated data that is damaged, too short, too long or a bomb is refused")
  func refusesDeflated() throws {
    try refuse(changed(deflated: true, entry: { $0.packed[0] = 7 }), "cannot be inflated")
    try refuse(changed(deflated: true, entry: { $0.packed.removeLast() }), "cannot be inflated")
    try refuse(changed(deflated: true, entry: { $0.packed.append(0) }), "cannot be inflated")
    let short = PickleBuilder.dict("w") { $0.tensor(count: 5, size: [5], stride: [1]) }
    var zip = ZipBuilder()
    zip.add("a/data.pkl", short)
    zip.addDeflated("a/data/0", Array(1...24))
    zip.entries[1].size = 20
    try refuse(zip, "cannot be inflated")
    // 4 TiB from 29 bytes: refused before memory is taken.
    let count = 1 << 40
    var bomb = ZipBuilder()
    bomb.style = .zip64
    bomb.add("a/data.pkl", PickleBuilder.dict("w") { $0.tensor(count: count, size: [count], stride: [1]) })
    bomb.addDeflated("a/data/0", Array(1...24))
    bomb.entries[1].size = UInt64(4 * count)
    try refuse(bomb, "far larger than the file")
    bomb.entries[0].method = 8
    bomb.entries[0].size = 1 << 50
    try refuse(bomb, "larger than it can be")
  }

  /// What does not keep an object alive.
  private struct Weak {
    weak var object: AnyObject?
  }

  /// A file whose tensors all lie in one deflated storage.
  private func sharing(_ count: Int, storageBytes: Int) throws -> String {
    let floats = storageBytes / 4
    let tensors = (0..<count).reduce(into: PickleBuilder().op("}").op("(")) { pickle, index in
      pickle = pickle.text("w\(index)").tensor(count: floats)
    }
    var zip = ZipBuilder()
    zip.add("a/data.pkl", tensors.op("u").op(".").bytes)
    zip.addDeflated("a/data/0", [UInt8](repeating: 7, count: storageBytes))
    return try folder.write(zip.bytes, as: "shared.pt")
  }

  @Test("Tensors of one deflated storage share what was inflated, from one to the next")
  func inflatesOnce() throws {
    let file = try TorchFile(path: sharing(2, storageBytes: 1 << 16))
    let first = Weak(object: try file.bytes(of: file.entries[0]).owner)
    #expect(first.object != nil)
    file.release(file.entries[0])
    #expect(try file.bytes(of: file.entries[1]).owner === first.object)
    file.release(file.entries[1])
    #expect(first.object == nil)
  }

  @Test("A deflated storage that more tensors share than anybody would inflate it for is refused at once")
  func refusesEndlessInflating() throws {
    #expect(try TorchFile(path: sharing(1000, storageBytes: 1 << 20)).entries.count == 1000)
    let path = try sharing(6000, storageBytes: 1 << 20)
    expectRefusal("shared.pt", "share deflated storages", "save it again") { _ = try TorchFile(path: path) }
  }

  @Test("End records that lie are refused")
  func refusesEndRecords() throws {
    func change(_ style: ZipBuilder.Style, fromEnd offset: Int, to value: [UInt8], _ fragment: String) throws
    {
      var bytes = PickleBuilder.archive(Self.pickle, style: style)
      bytes.replaceSubrange(bytes.count - offset..<bytes.count - offset + value.count, with: value)
      let path = try folder.write(bytes, as: "end.pt")
      expectRefusal(fragment) { _ = try TorchFile(path: path) }
    }
    let ones = [UInt8](repeating: 0xFF, count: 8)
    try change(.plain, fromEnd: 2, to: [9, 0], "no end record")
    try change(.plain, fromEnd: 6, to: [1, 0, 0, 0], "not where the end record says")
    try change(.plain, fromEnd: 10, to: [1, 0, 0, 0], "not where the end record says")
    try change(.plain, fromEnd: 14, to: [0xFE, 0xFF, 0xFE, 0xFF], "not believable")
    try change(.plain, fromEnd: 14, to: [1, 0, 2, 0], "split over several files")
    try change(.plain, fromEnd: 14, to: [2, 0, 2, 0], "more than its entries")
    try change(.plain, fromEnd: 18, to: [1, 0], "split over several files")
    try change(.torch, fromEnd: 6, to: [1, 0, 0, 0], "do not agree")
    // The zip64 end record stands 98 bytes before the end, its locator 42.
    try change(.zip64, fromEnd: 34, to: ones, "too large")
    try change(.zip64, fromEnd: 34, to: [0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0], "not where its locator says")
    try change(.zip64, fromEnd: 34, to: [0, 0, 0, 0, 0, 0, 0, 0], "not where its locator says")
    try change(.zip64, fromEnd: 94, to: ones, "wrong size")
    try change(.zip64, fromEnd: 74, to: [UInt8](repeating: 0x7F, count: 16), "not")
    try change(.zip64, fromEnd: 58, to: [UInt8](repeating: 0x7F, count: 16), "too large")
  }

  @Test("An archive cut at any length is refused", arguments: [ZipBuilder.Style.plain, .zip64, .torch])
  func refusesEveryTruncation(style: ZipBuilder.Style) throws {
    let whole = PickleBuilder.archive(Self.pickle, style: style)
    for length in 0..<whole.count {
      #expect(try isRefused(Array(whole.prefix(length)), in: folder), "cut to \(length) bytes")
    }
  }

  @Test("A flipped bit anywhere in an archive is refused or leaves every view in range")
  func survivesEveryBitFlip() throws {
    for archive in [Self.small, changed(deflated: true, style: .zip64).bytes] {
      for offset in archive.indices {
        var copy = archive
        for bit in 0..<8 {
          copy[offset] = archive[offset] ^ 1 << UInt8(bit)
          _ = try isRefused(copy, in: folder)
        }
      }
    }
  }

  @Test("A flipped bit anywhere in a pickle whose checksum fits is refused or leaves every view in range")
  func survivesEveryPickleBitFlip() throws {
    for offset in Self.pickle.indices {
      for bit in 0..<8 {
        var copy = Self.pickle
        copy[offset] ^= 1 << UInt8(bit)
        _ = try isRefused(PickleBuilder.archive(copy), in: folder)
      }
    }
  }

  @Test("Random bytes for a pickle are refused or leave every view in range", arguments: 0..<8)
  func survivesRandomPickles(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    for _ in 0..<200 {
      var copy = Self.pickle
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let place = Int.random(in: copy.indices, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: copy[place] = UInt8.random(in: 0...255, using: &random)
        case 1:
          copy.insert(contentsOf: copy[place...].prefix(Int.random(in: 1...20, using: &random)), at: place)
        default: copy.removeSubrange(place..<min(copy.count - 1, place + 3) + 1)
        }
      }
      _ = try isRefused(PickleBuilder.archive(copy), in: folder)
    }
  }
}

extension [UInt8] {
  /// Where a pattern stands last.
  fileprivate func lastRange(of pattern: [UInt8]) -> Range<Int>? {
    guard count >= pattern.count else { return nil }
    let start = (0...count - pattern.count).last { self[$0..<$0 + pattern.count].elementsEqual(pattern) }
    return start.map { $0..<$0 + pattern.count }
  }
}
