import CogBase
import CogModel

/// The directory section: fixed entries, then all names (`Formats/native.md`, "Directory").
enum NativeDirectory {
  static let entryBytes = 128
  static let maximumRank = 4

  static func encode(_ tensors: [StoredTensor]) -> [UInt8] {
    var entries = ByteWriter()
    var names = ByteWriter()
    for tensor in tensors {
      let slot = tensor.slot
      let name = Array(slot.name.utf8)
      let start = entries.bytes.count
      entries.write(UInt64(tensor.offset))
      entries.write(UInt64(slot.byteCount))
      entries.write(UInt32(names.bytes.count))
      entries.write(UInt32(name.count))
      entries.write(slot.encoding.directoryCode ?? 0)
      entries.write(UInt32(slot.encoding.groupSize ?? 0))
      entries.write(UInt32(slot.shape.rank))
      entries.write(tensor.checksum)
      for axis in 0..<maximumRank {
        entries.write(UInt64(axis < slot.shape.rank ? slot.shape.dimensions[axis] : 0))
      }
      entries.write(tensor.error.relativeRMS)
      entries.write(tensor.error.sqnr)
      entries.write(tensor.error.worstGroup)
      entries.write(UInt32(tensor.error.worstRow))
      entries.write(UInt32(tensor.error.worstGroupIndex))
      entries.write(EncodingFamily.plain(slot.sourceType).directoryCode ?? 0)
      entries.write(contentsOf: repeatElement(0, count: start + entryBytes - entries.bytes.count))
      names.write(contentsOf: name)
    }
    entries.write(contentsOf: names.bytes)
    return entries.bytes
  }

  /// Reads `count` entries and checks each against the data section.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, count: Int, data: Range<Int>, file: String
  ) throws -> [TensorEntry] {
    let namesStart = try Checked.multiply(count, entryBytes, "size of the directory")
    guard namesStart <= bytes.count else {
      throw CogError(
        "the directory is too short", code: .damaged, expected: "\(namesStart) bytes for \(count) tensors",
        found: "\(bytes.count)")
    }
    let names = UnsafeRawBufferPointer(rebasing: bytes[namesStart...])
    var nameReader = ByteReader(names, what: "directory's names")
    var dataEnd = data.lowerBound
    var seen: Set<String> = []
    let tensors = try (0..<count).map { index in
      var reader = ByteReader(bytes, at: index * entryBytes, what: "directory")
      let (tensor, offset) = try decodeEntry(&reader, names: &nameReader, file: file)
      guard seen.insert(tensor.name).inserted else {
        throw CogError("a tensor stands twice", code: .damaged, subject: tensor.name)
      }
      guard offset % NativeHeader.alignment == 0, offset >= dataEnd,
        offset <= data.upperBound,
        tensor.byteCount <= data.upperBound - offset
      else {
        throw CogError(
          "the tensor's bytes are misplaced", code: .damaged, subject: tensor.name,
          expected: "a multiple of \(NativeHeader.alignment) in \(dataEnd)..<\(data.upperBound)",
          found: "\(offset) + \(tensor.byteCount)")
      }
      dataEnd = offset + tensor.byteCount
      return tensor
    }
    guard nameReader.remaining == 0 else {
      throw CogError(
        "bytes follow the directory's names", code: .damaged, expected: "none",
        found: "\(nameReader.remaining)")
    }
    return tensors
  }

  /// Reads one entry. Its name must start where the last one ended: names that share bytes would let a small
  /// file ask for any amount of memory.
  private static func decodeEntry(
    _ reader: inout ByteReader, names: inout ByteReader, file: String
  ) throws -> (tensor: TensorEntry, offset: Int) {
    let offset = try Checked.int(reader.read(), "offset of a tensor")
    let byteCount = try Checked.int(reader.read(), "size of a tensor")
    let nameOffset = Int(try reader.read(UInt32.self))
    guard nameOffset == names.offset else {
      throw CogError(
        "a name is misplaced in the directory", code: .damaged, expected: "offset \(names.offset)",
        found: "\(nameOffset)")
    }
    let name = try names.readText(Int(reader.read(UInt32.self)))
    do {
      let encoding = try EncodingRegistry.encoding(directoryCode: reader.read(), groupSize: reader.read())
      let rank = Int(try reader.read(UInt32.self))
      guard rank <= maximumRank else {
        throw CogError("too many dimensions", code: .damaged, expected: "at most 4", found: "\(rank)")
      }
      let checksum: UInt32 = try reader.read()
      let sizes = try (0..<maximumRank).map { _ in try Checked.int(reader.read(), "dimension") }
      guard sizes.dropFirst(rank).allSatisfy({ $0 == 0 }) else {
        throw CogError(
          "a dimension follows the last one", code: .damaged, expected: "\(rank) dimensions",
          found: "\(sizes)")
      }
      let shape = try Shape(checking: Array(sizes.prefix(rank)))
      let expected = try encoding.byteCount(of: shape)
      guard byteCount == expected else {
        throw CogError(
          "the size does not fit the shape", code: .damaged, expected: "\(expected) bytes for \(shape)",
          found: "\(byteCount)"
        )
      }
      let error = try decodeError(&reader)
      let source = try EncodingRegistry.elementType(directoryCode: reader.read())
      guard try reader.take(32).allSatisfy({ $0 == 0 }) else {
        throw CogError("reserved bytes of a directory entry are used", code: .damaged, expected: "zeros")
      }
      let tensor = TensorEntry(
        name: name, shape: shape, encoding: encoding, file: file, offset: offset, byteCount: byteCount,
        sourceType: source, checksum: checksum, error: error)
      return (tensor, offset)
    } catch var error as CogError {
      error.subject = name
      throw error
    }
  }

  private static func decodeError(_ reader: inout ByteReader) throws -> StorageError {
    var error = StorageError.none
    error.relativeRMS = Float(bitPattern: try reader.read())
    error.sqnr = Float(bitPattern: try reader.read())
    error.worstGroup = Float(bitPattern: try reader.read())
    error.worstRow = Int(try reader.read(UInt32.self))
    error.worstGroupIndex = Int(try reader.read(UInt32.self))
    // The comparisons are false for NaN.
    guard error.relativeRMS >= 0, error.worstGroup >= 0, !error.sqnr.isNaN else {
      throw CogError(
        "an error measure is no number", code: .damaged, expected: "0 or more",
        found: "\(error.relativeRMS), \(error.sqnr) dB, \(error.worstGroup)")
    }
    return error
  }
}
