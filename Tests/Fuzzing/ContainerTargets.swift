import CogBase
import CogCheckpoint
import CogModel

/// Checkpoint files: safetensors, PyTorch zip archives with their pickle, and the index of shards.
enum ContainerTargets {
  /// Tensors above this are not read, only listed: what is looked for is in the parser.
  private static let longestTensor = 1 << 20

  /// A whole file of weights.
  static func checkpoint(_ bytes: UnsafeRawBufferPointer, _ scratch: Scratch) throws {
    try use(scratch.write(bytes, as: "input"))
  }

  /// A `data.pkl`, in an archive whose checksums are right and whose storages are those of the samples
  /// (`Tests/Fixtures/checkpoints/make_fixtures.py`).
  static func pickle(_ bytes: UnsafeRawBufferPointer, _ scratch: Scratch) throws {
    var archive = StoredZip()
    archive.add("archive/data.pkl", bytes)
    for (key, count) in [96, 48, 24, 24, 96, 48, 24, 12, 12, 12, 96, 480, 16].enumerated() {
      archive.add("archive/data/\(key)", Array(repeating: UInt8(key), count: count))
    }
    try use(scratch.write(archive.finished(), as: "input"))
  }

  /// A `model.safetensors.index.json` beside the shards `a.safetensors` and `b.safetensors` with the tensors
  /// `a` and `b`.
  static func index(_ bytes: UnsafeRawBufferPointer, _ scratch: Scratch) throws {
    for name in ["a", "b"] {
      let header = #"{"\#(name)":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
      var shard = ByteWriter()
      shard.write(UInt64(header.utf8.count))
      shard.write(contentsOf: header.utf8)
      shard.write(Float(1))
      _ = try scratch.write(shard.bytes, as: "\(name).safetensors")
    }
    try use(scratch.write(bytes, as: "model.safetensors.index.json"))
  }

  /// Opens a checkpoint and reads its tensors, once with their places in the model.
  private static func use(_ path: String) throws {
    let checkpoint = try Checkpoint(RecognizedPath(path))
    let store = try checkpoint.placedTensors()
    var failure: CogError?
    for entry in store.entries {
      guard let found = store.entry(named: entry.name), found == entry else {
        throw ContractBroken(what: "the tensor is not found: \(entry.name.prefix(80))")
      }
      guard entry.byteCount <= longestTensor else { continue }
      do {
        let tensor = try store.wholeBytes(of: entry)
        // Every byte is touched: a range outside of the file is a fault of the machine here.
        tensor.withUnsafeBytes { _ = Checksum.crc32($0) }
        store.release(entry)
      } catch let error as CogError {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
  }
}

/// A zip archive of stored entries, as PyTorch writes them but for the alignment.
struct StoredZip {
  private var body = ByteWriter()
  private var directory = ByteWriter()
  private var count: UInt16 = 0

  mutating func add(_ name: String, _ bytes: [UInt8]) { bytes.withUnsafeBytes { add(name, $0) } }

  mutating func add(_ name: String, _ bytes: UnsafeRawBufferPointer) {
    let offset = UInt32(body.bytes.count)
    let fields = Self.fields(name, checksum: Checksum.crc32(bytes), size: UInt32(bytes.count))
    body.write(UInt32(0x0403_4B50))
    body.write(contentsOf: fields)
    body.write(contentsOf: name.utf8)
    body.write(contentsOf: bytes)
    directory.write(UInt32(0x0201_4B50))
    directory.write(UInt16(20))
    directory.write(contentsOf: fields)
    directory.write(contentsOf: repeatElement(0, count: 10))
    directory.write(offset)
    directory.write(contentsOf: name.utf8)
    count += 1
  }

  /// The fields that local and central headers share, from the version to the length of the extra field.
  private static func fields(_ name: String, checksum: UInt32, size: UInt32) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(UInt16(20))
    writer.write(contentsOf: repeatElement(0, count: 8))
    writer.write(checksum)
    writer.write(size)
    writer.write(size)
    writer.write(UInt16(name.utf8.count))
    writer.write(UInt16(0))
    return writer.bytes
  }

  /// The archive.
  consuming func finished() -> [UInt8] {
    let start = UInt32(body.bytes.count)
    let size = UInt32(directory.bytes.count)
    body.write(contentsOf: directory.bytes)
    body.write(UInt32(0x0605_4B50))
    body.write(UInt32(0))
    body.write(count)
    body.write(count)
    body.write(size)
    body.write(start)
    body.write(UInt16(0))
    return body.bytes
  }
}
