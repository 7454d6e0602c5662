import CogBase
import CogNative
import CogTestSupport
import Foundation
import Testing

@Suite("Native files that are damaged or made to deceive")
struct DamagedFileTests {
  private let folder: TemporaryFolder
  private let good: RawNativeFile

  init() throws {
    folder = try TemporaryFolder()
    good = try RawNativeFile(TinyModel.mixed())
  }

  /// Opens bytes as a file; they must be refused with the file's name. Returns the error.
  @discardableResult
  private func refusal(
    _ bytes: [UInt8], _ what: String, location: SourceLocation = #_sourceLocation
  ) throws -> CogError? {
    let path = try folder.write(bytes, as: "bad.cogvlm")
    let error = #expect(throws: CogError.self, "\(what)", sourceLocation: location) {
      try NativeFile(path: path)
    }
    #expect(error?.file == path, "\(what)", sourceLocation: location)
    return error
  }

  @Test("a file cut off anywhere is refused")
  func truncated() throws {
    let bytes = good.bytes
    let lengths = Set(0...160).union(stride(from: 161, to: bytes.count, by: 1499)).union(
      bytes.count - 200..<bytes.count)
    for length in lengths { try refusal(Array(bytes[..<length]), "\(length) bytes") }
    let error = try refusal(Array(bytes.dropLast(1)), "one byte short")
    #expect(error?.problem == "the file is cut off")
    let longer = try refusal(bytes + [0], "one byte more")
    #expect(longer?.problem == "bytes follow the end of the file")
  }

  @Test("a flipped bit in any byte of header, metadata or directory is refused")
  func bitFlips() throws {
    let bytes = good.bytes
    let indexStart = 4096 + good.data.count + (good.tokenizer.count + 63) / 64 * 64
    let path = try folder.write(bytes, as: "bad.cogvlm")
    let handle = try FileHandle(forUpdating: URL(filePath: path))
    var accepted: [Int] = []
    let index = Set(good.sectionRanges.flatMap { Array($0) })
    for position in Array(0..<4096) + index.sorted() where position < 4096 || position >= indexStart {
      try handle.seek(toOffset: UInt64(position))
      try handle.write(contentsOf: [bytes[position] ^ UInt8(1 << (position % 8))])
      do {
        _ = try NativeFile(path: path)
        accepted.append(position)
      } catch let error as CogError {
        #expect(error.file == path)
      }
      try handle.seek(toOffset: UInt64(position))
      try handle.write(contentsOf: [bytes[position]])
    }
    #expect(accepted.isEmpty)
    #expect(throws: Never.self) { try NativeFile(path: path) }
  }

  @Test("a flipped bit in a tensor or in the tokenizer is found by its checksum")
  func dataFlips() throws {
    for index in [0, good.entries.count / 2, good.entries.count - 1] {
      var bytes = good.bytes
      let entry = good.entries[index]
      bytes[Int(entry.offset + entry.byteCount) - 1] ^= 0x10
      let path = try folder.write(bytes, as: "bad.cogvlm")
      let file = try NativeFile(path: path)
      let error = #expect(throws: CogError.self) { try file.verifyChecksum(of: file.entries[index]) }
      #expect(error?.file == path && error?.subject == file.entries[index].name)
      #expect(error?.code == .damaged)
      for (other, tensor) in file.entries.enumerated() where other != index {
        try file.verifyChecksum(of: tensor)
      }
    }
    var bytes = good.bytes
    bytes[4096 + good.data.count + 3] ^= 1
    let file = try NativeFile(path: folder.write(bytes, as: "bad.cogvlm"))
    #expect(throws: CogError.self) { try file.tokenizerBytes() }
  }

  @Test("files that are no native file are refused for what they are")
  func otherFiles() throws {
    try refusal([], "empty")
    try refusal([UInt8](repeating: 0, count: 8192), "zeros")
    #expect(
      try refusal(Array("{\"weight_map\": {}}".utf8) + [UInt8](repeating: 32, count: 200), "JSON")?.problem
        .hasPrefix("not a native file") == true)
    try refusal(Array(good.bytes[..<8]) + [UInt8](repeating: 0xFF, count: 8192), "magic and noise")
    try refusal(
      Array(good.bytes[..<128]) + [UInt8](repeating: 0, count: good.bytes.count - 128), "header and zeros")
    let version = try refusal(good.changed { $0.version = 1 }.bytes, "version 1")
    #expect(version?.subject == "version" && version?.found == "1")
    let missing = folder.path("missing.cogvlm")
    #expect(throws: CogError.self) { try NativeFile(path: missing) }
    #expect(throws: CogError.self) { try NativeFile(path: folder.url.path) }
  }

  @Test("random changes under right checksums are refused or harmless, never a trap")
  func fuzz() throws {
    let original = good.bytes
    let index = good.sectionRanges
    var random = LinearCongruential(state: 77)
    var opened = 0
    let path = try folder.write(original, as: "fuzz.cogvlm")
    let handle = try FileHandle(forUpdating: URL(filePath: path))
    for _ in 0..<1500 {
      var bytes = original
      let range = [24..<124, index[0], index[1], index[1]][Int(random.next() % 4)]
      for _ in 0...random.next() % 4 {
        let position = range.lowerBound + Int(random.next() % UInt64(range.count))
        // Small numbers and the extremes find more than noise does.
        bytes[position] =
          [0, 1, 0x7F, 0x80, 0xFF, UInt8(truncatingIfNeeded: random.next())][Int(random.next() % 6)]
      }
      let checksum = Checksum.crc32(Array(bytes[index[1]]) + Array(bytes[index[0]]))
      withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(96..<100, with: $0) }
      let header = Checksum.crc32(Array(bytes[..<124]))
      withUnsafeBytes(of: header.littleEndian) { bytes.replaceSubrange(124..<128, with: $0) }
      for part in [0..<128, index[0].lowerBound..<index[1].upperBound] {
        try handle.seek(toOffset: UInt64(part.lowerBound))
        try handle.write(contentsOf: bytes[part])
      }
      do {
        let file = try NativeFile(path: path)
        opened += 1
        for tensor in file.entries { _ = try file.values(of: tensor, rows: 0..<min(1, tensor.shape.rows)) }
        _ = try? file.tokenizerBytes()
      } catch let error as CogError {
        #expect(error.file == path)
      }
    }
    // Changed names of sources, error measures and the like are no one's business but the user's.
    #expect(opened > 0 && opened < 1500)
  }

  @Test("every deceit with right checksums is refused", arguments: Deceit.all)
  func deceits(_ deceit: Deceit) throws {
    let bytes = good.changed(deceit.change).bytes
    let error = try refusal(bytes, deceit.name)
    #expect(error?.description.contains(deceit.says) == true, "\(error?.description ?? "accepted")")
  }
}

extension RawNativeFile {
  /// Where metadata and directory lie in the file that ``bytes`` gives.
  var sectionRanges: [Range<Int>] {
    let metadataStart = (4096 + data.count + tokenizer.count + 63) / 64 * 64
    let directoryStart = (metadataStart + metadata.count + 63) / 64 * 64
    let directoryCount = entries.count * 128 + names.count
    return [metadataStart..<metadataStart + metadata.count, directoryStart..<directoryStart + directoryCount]
  }
}
