import CogBase
import CogModel
import CogNative
import CogQuantize
import CogText

/// The toolkit's own files: the native file, and the journal of unfinished work.
///
/// Their checksums keep a fuzzer out: an input is tried as it is, and once more with right checksums.
enum NativeTargets {
  /// A native file without the bytes of its tensors: the header (128 bytes), then everything behind the data
  /// section. The data are zeros, as many as the header says but at most a megabyte.
  static func native(_ bytes: UnsafeRawBufferPointer, _ scratch: Scratch) throws {
    let file = expanded(bytes)
    do { try use(scratch.write(file, as: "input")) } catch is CogError {}
    try use(scratch.write(withRightChecksums(file), as: "input"))
  }

  private static let headerBytes = 128
  private static let alignment = 4096

  private static func expanded(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    guard bytes.count > headerBytes else { return Array(bytes) }
    var file = Array(bytes[..<headerBytes])
    let offset = number(file, at: 24)
    let count = number(file, at: 32)
    let end = min(max(offset &+ count, headerBytes), 1 << 20)
    file += repeatElement(0, count: end - headerBytes)
    file += bytes[headerBytes...]
    return file
  }

  /// Checksums of directory and metadata, tokenizer and header (`Formats/native.md`).
  private static func withRightChecksums(_ file: [UInt8]) -> [UInt8] {
    guard file.count > headerBytes else { return file }
    var file = file
    let (directory, metadata) = (section(file, at: 40), section(file, at: 56))
    put(Checksum.crc32(Array(file[directory]) + Array(file[metadata])), into: &file, at: 96)
    put(Checksum.crc32(Array(file[section(file, at: 72)])), into: &file, at: 100)
    put(Checksum.crc32(Array(file[..<124])), into: &file, at: 124)
    return file
  }

  private static func section(_ file: [UInt8], at place: Int) -> Range<Int> {
    let start = min(max(number(file, at: place), 0), file.count)
    let count = min(max(number(file, at: place + 8), 0), file.count - start)
    return start..<start + count
  }

  private static func number(_ file: [UInt8], at place: Int) -> Int {
    file.withUnsafeBytes { Int(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: Int.self)) }
  }

  private static func put(_ value: UInt32, into file: inout [UInt8], at place: Int) {
    withUnsafeBytes(of: value.littleEndian) { file.replaceSubrange(place..<place + 4, with: $0) }
  }

  private static func use(_ path: String) throws {
    let file = try NativeFile(path: path)
    for entry in file.entries {
      _ = try? file.verifyChecksum(of: entry)
      _ = try file.wholeBytes(of: entry)
      file.release(entry)
    }
    let tokenizer = try file.tokenizerBytes()
    // The samples have text in its place, which is no tokenizer.
    withExtendedLifetime(file) { _ = try? Tokenizer(encoded: tokenizer, file: path) }
  }

  // MARK: Journal

  /// A journal beside an empty part; the checksums of its lines are put right.
  static func journal(_ bytes: UnsafeRawBufferPointer, _ scratch: Scratch) throws {
    do { try resume(Array(bytes), scratch) } catch is CogError {}
    try resume(withRightLines(bytes), scratch)
  }

  private static func resume(_ journal: [UInt8], _ scratch: Scratch) throws {
    _ = try scratch.write([], as: "output.part")
    _ = try scratch.write(journal, as: "output.part.journal")
    let sink = NativeSink(path: scratch.path("output"))
    defer { sink.part.abandon() }
    let resumed = try ConversionJournal(
      sink: sink, identity: identity, files: ["model.safetensors", "config.json"], resuming: true)
    resumed.end()
  }

  /// What `Tools/fuzzing/seeds.py` writes as the first line.
  private static let identity = ConversionIdentity(
    output: "cogvlm 2", tool: "fuzz",
    recipe: ModelMetadata.Recipe(
      linear: "int4/64", embedding: "source", head: "source", other: "source", method: "least-squares"),
    keepsNonFinite: false, allowsOverflow: false,
    sources: [
      .init(name: "model.safetensors", bytes: 1000, modified: 1),
      .init(name: "config.json", bytes: 10, modified: 2),
    ])

  /// Each line with the checksum of its text in front (`Formats/journal.md`).
  private static func withRightLines(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var journal: [UInt8] = []
    for line in bytes.split(separator: UInt8(ascii: "\n")) where line.count > 9 {
      let text = Array(line.dropFirst(9))
      let digits = String(Checksum.crc32(text), radix: 16)
      journal += Array((String(repeating: "0", count: 8 - digits.count) + digits + " ").utf8)
      journal += text + [UInt8(ascii: "\n")]
    }
    return journal
  }
}
