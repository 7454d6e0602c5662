import CZlib
import CogBase
import CogModel
import Glibc
import Synchronization

/// A mapped zip archive that hands out no byte of an entry before its CRC-32 was checked.
///
/// Stored entries are slices of the mapping; deflated ones are inflated into memory that lives as long as
/// somebody uses it, the last one until another is asked for: many tensors may share one.
final class ZipArchive: Sendable {
  let mapping: MappedFile
  /// The entries in the order of their data in the file.
  let entries: [ZipEntry]
  private let indexByName: [ByteKey: Int]
  private let states: [EntryState]
  private let last = Mutex<HeapBuffer?>(nil)

  /// The most memory that one inflated entry may take: as much as the file, and what a small file may need.
  /// Weights hardly shrink by deflating, and a checkpoint has many storages.
  private var mostInflatedBytes: Int { mapping.bytes.count + 256 << 20 }
  /// The most memory that an inflated entry may take however short it is packed.
  private static let mostFromAnything = 128 << 20

  /// What is known about the bytes of one entry. The lock is held while the entry is checked, so that a
  /// second thread waits for the result and does not repeat the work.
  private final class EntryState: Sendable {
    let isChecked = Mutex(false)
    let inflated = Mutex(WeakBuffer())
  }

  private struct WeakBuffer {
    weak var buffer: HeapBuffer?
  }

  /// Reads the directory of a mapped archive.
  ///
  /// - Throws: ``CogError`` when its directory is damaged.
  init(_ mapping: MappedFile) throws {
    self.mapping = mapping
    entries = try naming(file: mapping.path) { try ZipDirectory(archive: mapping.bytes).entries }
    indexByName = Dictionary(uniqueKeysWithValues: entries.enumerated().map { (ByteKey($1.name), $0) })
    states = entries.map { _ in EntryState() }
  }

  func index(of name: String) -> Int? { indexByName[ByteKey(name)] }

  /// The bytes of an entry, uncompressed and checked.
  ///
  /// - Parameters:
  ///   - index: the entry's place in ``entries``.
  ///   - limit: the most bytes to inflate, where less than usual is believed.
  /// - Throws: ``CogError`` when the entry is encrypted, packed by another method, too large or damaged.
  func data(at index: Int, limit: Int = .max) throws -> OwnedBytes {
    let entry = entries[index]
    guard !entry.isEncrypted else {
      throw CogError(
        "the zip entry is encrypted", code: .unsupported, file: mapping.path, subject: entry.name)
    }
    let packed = UnsafeRawBufferPointer(rebasing: mapping.bytes[entry.dataRange])
    switch entry.method {
    case .stored:
      try states[index].isChecked.withLock { isChecked in
        if !isChecked { try check(packed, entry) }
        isChecked = true
      }
      return OwnedBytes(mapping, entry.dataRange)
    case .deflated:
      return try states[index].inflated.withLock { state in
        if let buffer = state.buffer { return OwnedBytes(buffer.bytes, owner: buffer) }
        // Before there is another one: there need not be room for both.
        letGo()
        let buffer = try naming(file: mapping.path) {
          try inflated(packed, entry, limit: min(limit, mostInflatedBytes))
        }
        try check(buffer.bytes, entry)
        state.buffer = buffer
        last.withLock { $0 = buffer }
        return OwnedBytes(buffer.bytes, owner: buffer)
      }
    case .other(let method):
      throw CogError(
        "the zip entry is packed by a method that is not read", code: .unsupported, file: mapping.path,
        subject: entry.name,
        expected: "0 (stored) or 8 (deflated)", found: "\(method)")
    }
  }

  /// Lets go of what was inflated last.
  func letGo() { last.withLock { $0 = nil } }

  private func check(_ bytes: UnsafeRawBufferPointer, _ entry: ZipEntry) throws {
    let checksum = UInt32(
      truncatingIfNeeded: crc32_z(0, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
    guard checksum == entry.checksum else {
      throw CogError(
        "the checksum of the zip entry is wrong", code: .damaged, file: mapping.path, subject: entry.name,
        expected: "0x\(entry.checksum.hexadecimal)", found: "0x\(checksum.hexadecimal)",
        advice: """
          The file is damaged: download it again. (A file that was saved with \
          torch.serialization.set_crc32_options(False) has no checksums: save it again with them.)
          """)
    }
  }

  private func inflated(_ packed: UnsafeRawBufferPointer, _ entry: ZipEntry, limit: Int) throws -> HeapBuffer
  {
    // Deflate makes at most 1032 bytes of one (a match of 258 bytes takes two bits), of weights no more than
    // three: what is packed tighter is a bomb unless it is small.
    let most = min(limit, 1032 * packed.count, 3 * packed.count + Self.mostFromAnything)
    guard entry.size <= most else {
      throw CogError(
        "the zip entry says it is larger than it can be", code: .damaged, subject: entry.name,
        expected: "at most \(most) bytes of \(packed.count) packed ones", found: "\(entry.size)")
    }
    let buffer = try HeapBuffer(byteCount: entry.size)
    guard try inflate(packed, into: buffer.mutableBytes) else {
      throw CogError(
        "the zip entry cannot be inflated", code: .damaged, subject: entry.name,
        expected: "\(entry.size) bytes of deflated data",
        advice: "The file is damaged: download it again.")
    }
    return buffer
  }
}

/// Inflates raw deflate data; true when it is whole, uses all of `packed` and fills `output` exactly.
private func inflate(_ packed: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws
  -> Bool
{
  var stream = z_stream()
  guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
    throw CogError("zlib cannot start", advice: "There is not enough memory.")
  }
  defer { inflateEnd(&stream) }
  let source = UnsafeMutablePointer(mutating: packed.bindMemory(to: UInt8.self).baseAddress)
  let target = output.bindMemory(to: UInt8.self).baseAddress
  let chunk = 1 << 30
  var (consumed, produced) = (0, 0)
  while true {
    // zlib counts in 32 bits: hand it a window at a time.
    let (inputWindow, outputWindow) = (
      min(chunk, packed.count - consumed), min(chunk, output.count - produced)
    )
    stream.next_in = source.map { $0 + consumed }
    stream.avail_in = UInt32(inputWindow)
    stream.next_out = target.map { $0 + produced }
    stream.avail_out = UInt32(outputWindow)
    let status = CZlib.inflate(&stream, Z_NO_FLUSH)
    let (read, written) = (inputWindow - Int(stream.avail_in), outputWindow - Int(stream.avail_out))
    consumed += read
    produced += written
    if status == Z_STREAM_END { return consumed == packed.count && produced == output.count }
    guard status == Z_OK, read + written > 0 else { return false }
  }
}

/// Memory from the heap with an owner; refused, not trapped, when there is not enough.
final class HeapBuffer: @unchecked Sendable {
  let mutableBytes: UnsafeMutableRawBufferPointer

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(mutableBytes) }

  /// - Throws: ``CogError`` when the memory is not there.
  init(byteCount: Int) throws {
    guard let address = malloc(max(byteCount, 1)) else {
      throw CogError("there is not enough memory", expected: "\(byteCount) bytes")
    }
    mutableBytes = UnsafeMutableRawBufferPointer(start: address, count: byteCount)
  }

  deinit { free(mutableBytes.baseAddress) }
}
