import CogBase
package import CogModel

/// The header of a safetensors file, checked completely.
///
/// Source: the safetensors format, <https://github.com/huggingface/safetensors#format>: 8 bytes little-endian
/// header length N, N bytes of JSON, then the tensors' bytes without a gap up to the end of the file.
package struct SafetensorsHeader {
  /// The tensors in the order in which they lie; offsets count from the start of the file.
  package let entries: [TensorEntry]
  /// The `__metadata__` member.
  package let metadata: [String: String]

  /// The longest header that the format allows.
  static let longestHeader: UInt64 = 100_000_000
  static let lengthFieldSize = 8
  /// More tensors than any file has, and longer names: with these, time and memory are bounded whatever the
  /// header says.
  static let mostTensors = 1 << 16
  private static let longestName = 1024
  /// All names together, in bytes.
  static let longestNames = 2 << 20

  /// Where a tensor's bytes lie, counted from the first byte after the header.
  private struct Slice {
    let name: String
    let elementType: ElementType
    let shape: Shape
    let byteCount: Int
    let range: Range<Int>
  }

  /// Reads the header at the start of a whole file.
  ///
  /// - Throws: ``CogError`` at the first thing that the format does not allow.
  package init(file bytes: UnsafeRawBufferPointer, path: String) throws {
    let text = try Self.headerText(bytes)
    let root = try JSON.parse(text, what: "safetensors header")
    guard let members = root.members else {
      throw CogError("the safetensors header is no JSON object", found: root.kind)
    }
    try Self.requireBelievable(members)
    var slices: [Slice] = []
    var metadata: [String: String] = [:]
    slices.reserveCapacity(members.count)
    for member in members {
      if member.key == "__metadata__" {
        metadata = try Self.metadata(member.value)
      } else {
        slices.append(try Self.slice(member.key, member.value))
      }
    }
    let dataStart = Self.lengthFieldSize + text.count
    slices.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
    try Self.requireSeamless(slices, dataCount: bytes.count - dataStart, dataStart: dataStart)
    self.metadata = metadata
    entries = slices.map { slice in
      TensorEntry(
        name: slice.name, type: slice.elementType, shape: slice.shape, file: path,
        offset: dataStart + slice.range.lowerBound, byteCount: slice.byteCount)
    }
  }

  private static func requireBelievable(_ members: [JSON.Member]) throws {
    guard members.count <= mostTensors + 1 else {
      throw CogError(
        "the file has too many tensors", expected: "at most \(mostTensors)", found: "\(members.count)")
    }
    try requireBelievableNames(members)
  }

  /// Checks the keys of an object whose keys are names of tensors.
  ///
  /// - Throws: ``CogError`` when they are longer than any names are.
  static func requireBelievableNames(_ members: [JSON.Member]) throws {
    var nameBytes = 0
    for member in members {
      let count = member.key.utf8.count
      nameBytes += count
      guard count <= longestName, nameBytes <= longestNames else {
        throw CogError(
          "the names of the tensors are too long", expected: "at most \(longestName) bytes each",
          found: "\(count) bytes, after \(nameBytes - count) of other names")
      }
    }
  }

  /// Steps 1 to 3: the length field, its size against the format's limit and the file, the opening brace.
  private static func headerText(_ bytes: UnsafeRawBufferPointer) throws -> UnsafeRawBufferPointer {
    var reader = ByteReader(bytes, what: "safetensors file")
    let length = try reader.read(UInt64.self)
    guard length <= longestHeader else {
      throw CogError(
        "the header length is not believable", code: .damaged, expected: "at most \(longestHeader) bytes",
        found: "\(length)",
        advice: "This is no safetensors file, or its first bytes are damaged: download it again.")
    }
    guard length <= UInt64(reader.remaining) else {
      throw CogError(
        "the file ends within its header", code: .damaged, expected: "\(length) bytes of header",
        found: "\(reader.remaining)",
        advice: "The download is not complete: download it again.")
    }
    let text = try reader.take(Int(length))
    guard text.first(where: { !isSpace($0) }) == UInt8(ascii: "{") else {
      throw CogError("the safetensors header does not begin with {")
    }
    return text
  }

  /// Whether JSON passes over a byte: the safetensors library (0.8.0) does so before the brace, too.
  static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

  /// The texts of the member; null, as some writers have it, is none.
  private static func metadata(_ value: JSON) throws -> [String: String] {
    if value == .null { return [:] }
    guard let members = value.members else {
      throw CogError(
        "the metadata is wrong", subject: "__metadata__", expected: "an object", found: value.kind)
    }
    var metadata: [String: String] = [:]
    for member in members {
      guard let text = member.value.text else {
        throw CogError(
          "the metadata is wrong", subject: "__metadata__.\(member.key)", expected: "a string",
          found: member.value.kind)
      }
      metadata[member.key] = text
    }
    return metadata
  }

  /// Steps 4 to 7 for one tensor: dtype, shape, offsets, and the length that these give.
  private static func slice(_ name: String, _ value: JSON) throws -> Slice {
    guard value.members != nil else {
      throw CogError("the entry is wrong", subject: name, expected: "an object", found: value.kind)
    }
    let elementType = try elementType(name, value["dtype"])
    let sizes = try integers(name, value["shape"], field: "shape")
    let shape = try naming(name) { try Shape(checking: sizes) }
    let byteCount = try naming(name) { try shape.byteCount(of: elementType) }
    guard elementType.byteWidth != nil || (shape.elementCount * elementType.bitWidth) % 8 == 0 else {
      throw CogError(
        "the tensor ends within a byte", subject: name, expected: "whole bytes",
        found: "shape \(shape) of \(elementType.rawValue)")
    }
    let offsets = try integers(name, value["data_offsets"], field: "data_offsets")
    guard offsets.count == 2, 0 <= offsets[0], offsets[0] <= offsets[1] else {
      throw CogError(
        "the data offsets are wrong", subject: name, expected: "[begin, end] with 0 <= begin <= end",
        found: "[" + offsets.prefix(4).map(String.init).joined(separator: ", ") + "]")
    }
    let range = offsets[0]..<offsets[1]
    guard range.count == byteCount else {
      throw CogError(
        "the data offsets do not fit the shape", subject: name,
        expected: "\(byteCount) bytes for shape \(shape) of \(elementType.rawValue)", found: "\(range.count)")
    }
    return Slice(name: name, elementType: elementType, shape: shape, byteCount: byteCount, range: range)
  }

  private static func elementType(_ name: String, _ value: JSON?) throws -> ElementType {
    guard let text = value?.text else {
      throw CogError(
        "a field is wrong", subject: "\(name).dtype", expected: "a string", found: value?.kind ?? "nothing")
    }
    guard let type = ElementType(rawValue: text) else {
      throw CogError(
        "the dtype is not known", code: .unsupported, subject: name,
        expected: "one of " + ElementType.allCases.map(\.rawValue).joined(separator: ", "), found: text)
    }
    return type
  }

  private static func integers(_ name: String, _ value: JSON?, field: String) throws -> [Int] {
    guard let elements = value?.elements else {
      throw CogError(
        "a field is wrong", subject: "\(name).\(field)", expected: "a list of whole numbers",
        found: value?.kind ?? "nothing")
    }
    return try elements.map { element in
      guard let integer = element.integer else {
        throw CogError(
          "a field is wrong", subject: "\(name).\(field)", expected: "whole numbers that fit 63 bits",
          found: element.kind)
      }
      return integer
    }
  }

  /// Step 8: sorted by their start, the tensors follow each other without overlap or hole and end with the
  /// file.
  private static func requireSeamless(_ slices: [Slice], dataCount: Int, dataStart: Int) throws {
    if let last = slices.max(by: { $0.range.upperBound < $1.range.upperBound }),
      last.range.upperBound > dataCount
    {
      throw CogError(
        "the file ends too early for its tensors", code: .damaged, subject: last.name,
        expected: "\(last.range.upperBound) bytes of data", found: "\(dataCount)",
        advice: "The download is not complete: download it again.")
    }
    var end = 0
    var previous = "the header"
    for slice in slices {
      let start = slice.range.lowerBound
      guard start >= end else {
        throw CogError(
          "two tensors overlap", subject: slice.name,
          expected: "a start at or after \(end), where \(previous) ends",
          found: "\(start)")
      }
      guard start == end else {
        throw CogError(
          "bytes before the tensor belong to no tensor", subject: slice.name,
          expected: "a start at \(end), where \(previous) ends", found: "\(start)")
      }
      (end, previous) = (slice.range.upperBound, slice.name)
    }
    guard end == dataCount else {
      throw CogError(
        "bytes at the end belong to no tensor", expected: "\(end) bytes of data", found: "\(dataCount)")
    }
  }

  /// Names the tensor in every error that names no subject yet.
  private static func naming<Result>(_ name: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch var error as CogError {
      if error.subject == nil { error.subject = name }
      throw error
    }
  }
}
