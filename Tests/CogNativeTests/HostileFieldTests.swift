import CogBase
import CogModel
import CogNative
import CogTestSupport
import Foundation
import Testing

/// Every field of header and directory in turn with every value that catches careless arithmetic, under right
/// checksums, and every boundary as the place where a file ends.
@Suite("Native files with one field wrong") struct HostileFieldTests {
  private let folder: TemporaryFolder
  private let good: RawNativeFile

  init() throws {
    folder = try TemporaryFolder()
    good = try RawNativeFile(TinyModel.mixed())
  }

  /// A field of little-endian bytes at a place of the file.
  private struct Field {
    let name: String
    let place: Int
    let byteCount: Int
  }

  /// `Formats/native.md`, "Header"; checksums are tested in `DamagedFileTests`.
  private static let headerFields: [Field] = {
    let sections = ["data", "directory", "metadata", "tokenizer"].flatMap { ["\($0) offset", "\($0) size"] }
    let long = ["file size"] + sections
    return [
      Field(name: "version", place: 8, byteCount: 4), Field(name: "header size", place: 12, byteCount: 4),
    ]
      + long.enumerated().map { Field(name: $1, place: 16 + 8 * $0, byteCount: 8) }
      + [
        Field(name: "tensor count", place: 88, byteCount: 4),
        Field(name: "alignment", place: 92, byteCount: 4),
      ] + (0..<5).map { Field(name: "reserved \($0)", place: 104 + 4 * $0, byteCount: 4) }
  }()

  /// The fields of a directory entry that decide where bytes lie or what they mean.
  private static let entryFields: [Field] =
    [
      ("offset", 0, 8), ("size", 8, 8), ("name offset", 16, 4), ("name length", 20, 4), ("encoding", 24, 4),
      ("group size", 28, 4), ("rank", 32, 4),
    ].map { Field(name: $0.0, place: $0.1, byteCount: $0.2) }
    + (0..<4).map { Field(name: "dimension \($0)", place: 40 + 8 * $0, byteCount: 8) }
    + (0..<8).map { Field(name: "reserved \($0)", place: 96 + 4 * $0, byteCount: 4) }

  /// Values that wrap around, are negative when signed, or lie beside the right one.
  private static func values(_ old: UInt64, byteCount: Int, fileSize: Int) -> Set<UInt64> {
    let extremes: [UInt64] = [
      0, 1, 3, 63, 64, 128, 4095, 4096, 1 << 31 - 1, 1 << 31, 1 << 32 - 4096, 1 << 32 - 1, 1 << 32, 1 << 62,
      UInt64(Int.max) - 4095, UInt64(Int.max), UInt64(Int.max) + 1, .max - 4095, .max, UInt64(fileSize),
      UInt64(fileSize) &+ 1, old &+ 1, old &- 1, old &+ 4096, old &- 4096, 0 &- old, old &* 2, old ^ 1 << 63,
    ]
    let mask: UInt64 = byteCount == 8 ? .max : 1 << (8 * UInt64(byteCount)) - 1
    return Set(extremes.map { $0 & mask }).subtracting([old])
  }

  @Test("every field of the header is refused when it says anything else")
  func header() throws {
    for field in Self.headerFields { try expectRefusals(of: field, at: field.place) }
  }

  @Test("every field of the first, a middle and the last entry is refused when it says anything else")
  func entries() throws {
    let directory = good.sectionRanges[1].lowerBound
    for entry in [0, good.entries.count / 2, good.entries.count - 1] {
      for field in Self.entryFields {
        try expectRefusals(of: field, at: directory + 128 * entry + field.place)
      }
    }
  }

  private func expectRefusals(of field: Field, at place: Int) throws {
    let original = good.bytes
    let old = (0..<field.byteCount).reduce(0) { $0 | UInt64(original[place + $1]) << (8 * UInt64($1)) }
    for value in Self.values(old, byteCount: field.byteCount, fileSize: original.count).sorted() {
      var bytes = original
      for index in 0..<field.byteCount {
        bytes[place + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))
      }
      let path = try folder.write(withRightChecksums(bytes), as: "bad.cogvlm")
      let call = Comment(rawValue: "\(field.name) = \(value)")
      do {
        let file = try NativeFile(path: path)
        #expect(Self.harmless.contains(field.name), call)
        for tensor in file.entries { _ = try file.values(of: tensor, rows: 0..<min(1, tensor.shape.rows)) }
        _ = try file.tokenizerBytes()
      } catch let error as CogError {
        #expect(error.file == path, call)
      }
    }
  }

  /// Fields that may say something else that is as good: a section with less padding or another text, and an
  /// encoding of the same size.
  private static let harmless: Set = [
    "data size", "tokenizer offset", "tokenizer size", "encoding", "group size",
  ]

  /// Checksums over what the header says, where that lies in the file.
  private func withRightChecksums(_ file: [UInt8]) -> [UInt8] {
    var bytes = file
    func section(_ place: Int) -> [UInt8] {
      let numbers = (0..<2).map { index in
        (0..<8).reduce(0) { $0 | UInt64(bytes[place + 8 * index + $1]) << (8 * UInt64($1)) }
      }
      guard let offset = Int(exactly: numbers[0]), let count = Int(exactly: numbers[1]),
        offset <= bytes.count,
        count <= bytes.count - offset
      else { return [] }
      return Array(bytes[offset..<offset + count])
    }
    let index = Checksum.crc32(section(40) + section(56))
    withUnsafeBytes(of: index.littleEndian) { bytes.replaceSubrange(96..<100, with: $0) }
    let tokenizer = Checksum.crc32(section(72))
    withUnsafeBytes(of: tokenizer.littleEndian) { bytes.replaceSubrange(100..<104, with: $0) }
    let header = Checksum.crc32(Array(bytes[..<124]))
    withUnsafeBytes(of: header.littleEndian) { bytes.replaceSubrange(124..<128, with: $0) }
    return bytes
  }

  @Test(
    "a file that ends at, before or behind any boundary is refused, also when it says that this is its size")
  func boundaries() throws {
    let original = good.bytes
    var ends: Set<Int> = [0, 8, 12, 16, 24, 88, 96, 104, 124, 128, 4096]
    ends.formUnion(good.sectionRanges.flatMap { [$0.lowerBound, $0.upperBound] })
    for entry in good.entries { ends.formUnion([Int(entry.offset), Int(entry.offset + entry.byteCount)]) }
    let directory = good.sectionRanges[1].lowerBound
    ends.formUnion((0...good.entries.count).map { directory + 128 * $0 })
    for end in ends.flatMap({ [$0 - 1, $0, $0 + 1] }) where (0..<original.count).contains(end) {
      let cut = Array(original[..<end])
      var lying = cut
      if cut.count >= 128 {
        withUnsafeBytes(of: UInt64(end).littleEndian) { lying.replaceSubrange(16..<24, with: $0) }
        lying = withRightChecksums(lying)
      }
      for bytes in [cut, lying] {
        let path = try folder.write(bytes, as: "bad.cogvlm")
        let error = #expect(throws: CogError.self, "\(end) bytes") { try NativeFile(path: path) }
        #expect(error?.file == path)
      }
    }
  }
}
