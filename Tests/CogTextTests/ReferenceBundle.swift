import CogBase

/// The little of a reference bundle (a safetensors file) that the tests of prompts need.
struct ReferenceBundle {
  private let file: MappedFile
  private let header: JSON
  private let dataStart: Int

  init(path: String) throws {
    file = try MappedFile(path: path)
    var reader = ByteReader(file.bytes, what: "bundle")
    let length = try Checked.int(reader.read(UInt64.self), "header")
    header = try JSON.parse(reader.take(length), what: "header")
    dataStart = reader.offset
  }

  /// A field of `__metadata__`.
  func metadata(_ key: String) -> String? { header["__metadata__"]?[key]?.text }

  /// The shape of a tensor.
  func shape(_ name: String) throws -> [Int] {
    try TextFixtures.integers(TextFixtures.require(header[name], name), "shape")
  }

  /// The elements of an I64 tensor.
  func integers(_ name: String) throws -> [Int] {
    let range = try TextFixtures.integers(TextFixtures.require(header[name], name), "data_offsets")
    var reader = ByteReader(file.bytes, at: dataStart + range[0], what: name)
    return try (0..<(range[1] - range[0]) / 8).map { _ in Int(try reader.read(Int64.self)) }
  }
}
