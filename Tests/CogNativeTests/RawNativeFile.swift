import CogModel
import CogBase
import CogModel
import CogNative

/// A native file put together field by field from `Formats/native.md`, with right checksums whatever it says:
/// the twin of the writer, and the source of hostile files.
struct RawNativeFile {
  /// A directory entry, field by field.
  struct Entry {
    var offset: UInt64
    var byteCount: UInt64
    var nameOffset: UInt32
    var nameLength: UInt32
    var encoding: UInt32
    var groupSize: UInt32 = 0
    var rank: UInt32
    var checksum: UInt32
    var dimensions: [UInt64]
    var relativeRMS: Float = 0
    var sqnr: Float = .infinity
    var worstGroup: Float = 0
    var worstRow: UInt32 = 0
    var worstGroupIndex: UInt32 = 0
    var sourceType: UInt32 = 3
    var reserved = [UInt8](repeating: 0, count: 32)

    var bytes: [UInt8] {
      var writer = ByteWriter()
      writer.write(offset)
      writer.write(byteCount)
      for field in [nameOffset, nameLength, encoding, groupSize, rank, checksum] { writer.write(field) }
      for dimension in dimensions { writer.write(dimension) }
      for measure in [relativeRMS, sqnr, worstGroup] { writer.write(measure) }
      for field in [worstRow, worstGroupIndex, sourceType] { writer.write(field) }
      writer.write(contentsOf: reserved)
      return writer.bytes
    }
  }

  /// Offset and size of a section.
  typealias Section = (offset: UInt64, count: UInt64)

  var version: UInt32 = 2
  var headerBytes: UInt32 = 128
  var alignment: UInt32 = 4096
  var reserved = [UInt8](repeating: 0, count: 20)
  var data: [UInt8] = []
  var tokenizer: [UInt8]
  var metadata: [UInt8]
  var entries: [Entry] = []
  var names: [UInt8] = []
  // What the header says when it does not say the truth.
  var fileSize: UInt64?
  var tensorCount: UInt32?
  var dataSection: Section?
  var directorySection: Section?
  var metadataSection: Section?
  var tokenizerSection: Section?

  /// The file of a model as it should be.
  init(_ model: TinyModel) throws {
    tokenizer = model.tokenizer
    metadata = Array(Self.json(model.metadata).utf8)
    for tensor in model.tensors {
      let name = Array(tensor.name.utf8)
      let dimensions = tensor.shape.dimensions.map(UInt64.init)
      let (code, groupSize) = Self.code(tensor.encoding)
      entries.append(
        Entry(
          offset: UInt64(4096 + data.count), byteCount: UInt64(tensor.bytes.count),
          nameOffset: UInt32(names.count),
          nameLength: UInt32(name.count), encoding: code, groupSize: groupSize,
          rank: UInt32(dimensions.count),
          checksum: crc32Twin(tensor.bytes),
          dimensions: dimensions + Array(repeating: 0, count: 4 - dimensions.count),
          relativeRMS: tensor.error.relativeRMS, sqnr: tensor.error.sqnr, worstGroup: tensor.error.worstGroup,
          worstRow: UInt32(tensor.error.worstRow), worstGroupIndex: UInt32(tensor.error.worstGroupIndex)))
      names += name
      data += tensor.bytes
      data += [UInt8](repeating: 0, count: -data.count & 4095)
    }
  }

  /// The same file with a change.
  func changed(_ change: (inout RawNativeFile) -> Void) -> RawNativeFile {
    var copy = self
    change(&copy)
    return copy
  }

  /// The bytes of the file.
  var bytes: [UInt8] {
    var body = ByteWriter()
    body.write(contentsOf: [UInt8](repeating: 0, count: 4096))
    body.write(contentsOf: data)
    func append(_ section: [UInt8]) -> Section {
      body.pad(to: 64)
      defer { body.write(contentsOf: section) }
      return (UInt64(body.bytes.count), UInt64(section.count))
    }
    let directory = entries.flatMap(\.bytes) + names
    let tokenizerPlace = append(tokenizer)
    let metadataPlace = append(metadata)
    let directoryPlace = append(directory)

    var header = ByteWriter()
    header.write(contentsOf: [0x89, 0x43, 0x4F, 0x47, 0x56, 0x4C, 0x4D, 0x0A])
    header.write(version)
    header.write(headerBytes)
    header.write(fileSize ?? UInt64(body.bytes.count))
    for section in [
      dataSection ?? (4096, UInt64(data.count)), directorySection ?? directoryPlace,
      metadataSection ?? metadataPlace, tokenizerSection ?? tokenizerPlace,
    ] {
      header.write(section.offset)
      header.write(section.count)
    }
    header.write(tensorCount ?? UInt32(entries.count))
    header.write(alignment)
    header.write(crc32Twin(directory + metadata))
    header.write(crc32Twin(tokenizer))
    header.write(contentsOf: reserved)
    header.write(crc32Twin(header.bytes))
    return header.bytes + body.bytes.dropFirst(header.bytes.count)
  }

  private static func code(_ encoding: TensorEncoding) -> (UInt32, UInt32) {
    // By the text of Formats/native.md, not by the registry.
    let codes: [String: UInt32] = ["F32": 1, "F16": 2, "BF16": 3, "F64": 4, "int4": 16, "int8": 17]
    return (codes[encoding.family.name] ?? 3, UInt32(encoding.groupSize ?? 0))
  }

  /// The metadata as JSON with sorted keys and no spaces.
  private static func json(_ metadata: ModelMetadata) -> String {
    func quote(_ text: String) -> String {
      "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        + "\""
    }
    let recipe = metadata.recipe
    let overrides = recipe.overrides.map {
      "{\"encoding\":\(quote($0.encoding)),\"pattern\":\(quote($0.pattern))}"
    }
    let sources = metadata.provenance.sources.map {
      "{\"bytes\":\($0.bytes),\"name\":\(quote($0.name)),\"sha256\":\(quote($0.sha256))}"
    }
    return """
      {"config":\(quote(metadata.config)),"provenance":{"sources":[\(sources.joined(separator: ","))],\
      "tool":\(quote(metadata.provenance.tool))},"recipe":{"adapter":\(quote(recipe.adapter)),\
      "embedding":\(quote(recipe.embedding)),"head":\(quote(recipe.head)),"linear":\(quote(recipe.linear)),\
      "method":\(quote(recipe.method)),"other":\(quote(recipe.other)),\
      "overrides":[\(overrides.joined(separator: ","))],"vision":\(quote(recipe.vision))}}
      """
  }
}

/// CRC-32 bit by bit (polynomial 0xEDB88320): the twin of zlib's.
func crc32Twin(_ bytes: some Sequence<UInt8>) -> UInt32 {
  ~bytes.reduce(UInt32.max) { value, byte in
    (0..<8).reduce(value ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1
    }
  }
}
