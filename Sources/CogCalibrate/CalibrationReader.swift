import CogBase
import CogCheckpoint
import CogCompute
import CogMedia
import CogModel
import Foundation

/// Reads calibration files: the container and its sizes first, then the fields, then every tensor with its
/// checksum.
enum CalibrationReader {
  private static let advice = "Copy the file again, or make it again with cogvlm calibrate."

  /// The content of a whole file.
  ///
  /// - Throws: `CogError` at the first thing that is not as the format has it; it names no file.
  static func calibration(_ bytes: UnsafeRawBufferPointer, file path: String) throws -> Calibration {
    let header = try SafetensorsHeader(file: bytes, path: path)
    guard header.metadata[CalibrationFormat.Key.format.rawValue] == CalibrationFormat.name else {
      throw CogError(
        "this is no calibration file", code: .unsupported,
        expected: "a file of cogvlm calibrate (.cogcal)", found: "another safetensors file")
    }
    let metadata = try checked(header.metadata)
    let fields = try CalibrationFields(metadata)
    return Calibration(fields, try table(header.entries, metadata, bytes))
  }

  /// The fields by their keys: all of the format's and no other, of its version, with the right checksum.
  private static func checked(_ metadata: [String: String]) throws -> [CalibrationFormat.Key: String] {
    let version = metadata[CalibrationFormat.Key.version.rawValue]
    guard version == CalibrationFormat.version else {
      throw CogError(
        "the version of the calibration file is unknown", code: .unsupported, subject: "version",
        expected: CalibrationFormat.version, found: version ?? "none")
    }
    var fields: [CalibrationFormat.Key: String] = [:]
    for (key, value) in metadata {
      guard let known = CalibrationFormat.Key(rawValue: key) else {
        throw CogError("the metadata has a field too many", subject: key)
      }
      guard value.utf8.count <= CalibrationFormat.longestField else {
        throw CogError(
          "a field is too long", subject: key, expected: "at most \(CalibrationFormat.longestField) bytes",
          found: "\(value.utf8.count)")
      }
      fields[known] = value
    }
    if let missing = CalibrationFormat.Key.allCases.first(where: { fields[$0] == nil }) {
      throw CogError("a field is missing", code: .incomplete, subject: missing.rawValue)
    }
    let others = metadata.filter { $0.key != CalibrationFormat.Key.checksum.rawValue }
    let computed = CalibrationFormat.checksum(of: others).hexadecimal
    guard fields[.checksum] == computed else {
      throw CogError(
        "the metadata is damaged", code: .damaged, subject: "checksum", expected: fields[.checksum] ?? "",
        found: computed, advice: advice)
    }
    return fields
  }

  // MARK: Tensors

  private static func table(
    _ entries: [TensorEntry], _ metadata: [CalibrationFormat.Key: String], _ bytes: UnsafeRawBufferPointer
  ) throws -> MomentTable {
    let text = Array((metadata[.checksums] ?? "").utf8)
    let checksums = try text.withUnsafeBytes { try JSON.parse($0, what: "list of checksums") }
    guard let members = checksums.members else {
      throw CogError(
        "a field is wrong", subject: "checksums", expected: "an object", found: checksums.kind)
    }
    let checksumByName = Dictionary(members.map { ($0.key, $0.value.text) }) { first, _ in first }
    guard members.count == entries.count else {
      throw CogError(
        "there is not a checksum for each tensor", code: .damaged, subject: "checksums",
        expected: "\(entries.count)", found: "\(members.count)", advice: advice)
    }
    let tensors = try EntryTable(entries)
    // All checksums come first: what is damaged is named before what follows from it.
    let names: [(String, TokenKind, CalibrationFormat.Quantity)] = try entries.map { entry in
      guard let (input, kind, quantity) = parts(of: entry.name) else {
        throw CogError(
          "the format has no such tensor", subject: entry.name,
          expected: "the name of a linear layer's weight, image or text, and what it is")
      }
      try check(entry, quantity, checksumByName[entry.name] ?? nil, bytes)
      return (input, kind, quantity)
    }
    var table = MomentTable()
    for (input, kind, quantity) in names where quantity == .sum {
      let moments = try moments(input, kind, tensors, bytes)
      var both = InputMoments()
      both[kind] = moments
      if let other = table[input], other[kind] != nil || other.columns != moments.columns {
        throw CogError(
          "image and text have moments of different numbers of channels", subject: input,
          expected: "\(other.columns)", found: "\(moments.columns)")
      }
      table.add(both, to: input)
    }
    guard entries.count == table.tensorCount else {
      throw CogError(
        "a tensor belongs to no sum", code: .incomplete, expected: "\(table.tensorCount) tensors",
        found: "\(entries.count)", advice: advice)
    }
    return table
  }

  private static func parts(of name: String) -> (String, TokenKind, CalibrationFormat.Quantity)? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count > 2, let kind = TokenKind(rawValue: String(parts[parts.count - 2])),
      let quantity = CalibrationFormat.Quantity(rawValue: String(parts[parts.count - 1]))
    else { return nil }
    let input = parts.dropLast(2).joined(separator: ".")
    guard let role = TensorTable.meaning(of: input)?.role, role.isInput else { return nil }
    return (input, kind, quantity)
  }

  private static func check(
    _ entry: TensorEntry, _ quantity: CalibrationFormat.Quantity, _ checksum: String?,
    _ bytes: UnsafeRawBufferPointer
  ) throws {
    let isRight =
      entry.encoding.plainType == quantity.type && entry.shape.rank == 1
      && (quantity == .count ? entry.shape.rows == 1 : entry.shape.rows > 0)
    guard isRight else {
      throw CogError(
        "the tensor has another type or shape", subject: entry.name,
        expected: "\(quantity.type.rawValue) \(quantity == .count ? "[1]" : "[channels]")",
        found: "\(entry.encoding.label) \(entry.shape)")
    }
    let computed = Checksum.crc32(content(of: entry, bytes)).hexadecimal
    guard checksum == computed else {
      throw CogError(
        "the tensor is damaged", code: .damaged, subject: entry.name,
        expected: checksum.map { "checksum \($0)" } ?? "a checksum", found: computed, advice: advice)
    }
  }

  /// In range of the file, as the header was checked against its size.
  private static func content(
    of entry: TensorEntry, _ bytes: UnsafeRawBufferPointer
  ) -> UnsafeRawBufferPointer {
    let start = entry.offset ?? 0
    return UnsafeRawBufferPointer(rebasing: bytes[start..<start + entry.byteCount])
  }

  private static func moments(
    _ input: String, _ kind: TokenKind, _ tensors: EntryTable, _ bytes: UnsafeRawBufferPointer
  ) throws -> ChannelMoments {
    func values<Bits: FixedWidthInteger>(_ quantity: CalibrationFormat.Quantity, _: Bits.Type) throws
      -> [Bits]
    {
      let name = CalibrationFormat.tensorName(input, kind, quantity)
      guard let entry = tensors.entry(named: name), entry.byteCount % MemoryLayout<Bits>.size == 0 else {
        throw CogError("a tensor is missing", code: .incomplete, subject: name, advice: advice)
      }
      let content = content(of: entry, bytes)
      return stride(from: 0, to: content.count, by: MemoryLayout<Bits>.size).map {
        Bits(littleEndian: content.loadUnaligned(fromByteOffset: $0, as: Bits.self))
      }
    }
    let sum = try values(.sum, UInt64.self).map(Double.init(bitPattern:))
    let squares = try values(.sumOfSquares, UInt64.self).map(Double.init(bitPattern:))
    let largest = try values(.largest, UInt32.self).map(Float.init(bitPattern:))
    let count = try values(.count, Int64.self).first ?? 0
    let name = "\(input).\(kind.rawValue)"
    guard sum.count == squares.count, sum.count == largest.count else {
      throw CogError(
        "the moments are of different numbers of channels", subject: name, expected: "\(sum.count)",
        found: "\(squares.count) and \(largest.count)")
    }
    guard count > 0, count < CalibrationFormat.countLimit else {
      throw CogError(
        "the number of tokens cannot be", subject: name,
        expected: "from 1 to \(CalibrationFormat.countLimit - 1)", found: "\(count)")
    }
    let moments = ChannelMoments(count: Int(count), sum: sum, sumOfSquares: squares, largest: largest)
    if let channel = moments.firstImpossible {
      throw CogError(
        "the moments of a channel cannot be", subject: "\(name), channel \(channel)",
        expected: "finite ones that fit each other",
        found: "sum \(sum[channel]), of squares \(squares[channel]), largest \(largest[channel])")
    }
    return moments
  }
}

extension MomentTable {
  /// Tensors of a file with these moments.
  fileprivate var tensorCount: Int {
    names.reduce(0) { sum, name in
      sum + CalibrationFormat.Quantity.allCases.count * TokenKind.allCases.count { self[name]?[$0] != nil }
    }
  }
}

extension ChannelMoments {
  /// The first channel whose sums no values have, or nil. What is compared may be rounded.
  fileprivate var firstImpossible: Int? {
    let slack = 1 + 1e-6
    return sum.indices.first { channel in
      let (sum, squares, largest) = (sum[channel], sumOfSquares[channel], Double(largest[channel]))
      let isFinite = sum.isFinite && squares.isFinite && largest.isFinite && largest >= 0
      return !isFinite || squares < 0 || largest * largest > squares * slack
        || squares > Double(count) * largest * largest * slack
        || sum * sum > Double(count) * squares * slack
    }
  }
}
