import CogBase
import CogCheckpoint
import CogModel
import Foundation

/// Names and limits of the format (`Formats/calibration.md`).
package enum CalibrationFormat {
  static let name = "cogvlm calibration"
  static let version = "1"
  /// The longest text of a field, in bytes.
  static let longestField = 4 << 20
  /// Counts are below this: no sum of any overflows, and each is a whole number in double precision.
  static let countLimit = 1 << 48

  /// The keys of `__metadata__`, in the order of their bytes; ``checksum`` is over the others.
  enum Key: String, CaseIterable {
    case checksum, checksums, counts, failed, format, model, sets, settings, tool, version
  }

  /// The four tensors of an input and a kind of token.
  enum Quantity: String, CaseIterable {
    case sum
    case sumOfSquares = "sum_of_squares"
    case count, largest

    var type: ElementType {
      switch self {
      case .sum, .sumOfSquares: .float64
      case .count: .int64
      case .largest: .float32
      }
    }
  }

  /// The name of a tensor, such as `lm_head.weight.text.sum`.
  static func tensorName(_ input: String, _ kind: TokenKind, _ quantity: Quantity) -> String {
    "\(input).\(kind.rawValue).\(quantity.rawValue)"
  }

  /// The checksum of the fields: CRC-32 of `KEY=VALUE` and a line feed for each in the order of the keys.
  package static func checksum(of fields: [String: String]) -> UInt32 {
    let text = fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
    return Checksum.crc32(Array(text.utf8))
  }
}

extension Calibration {
  /// The bytes of the file: the same for the same content.
  ///
  /// - Throws: `CogError` when the sizes do not fit 63 bits.
  package func encoded() throws -> [UInt8] {
    var tensors: [(SafetensorsHeader.NewTensor, [UInt8])] = []
    for type in [ElementType.float64, .int64, .float32] {
      for name in table.names {
        for kind in TokenKind.allCases {
          guard let moments = table[name]?[kind] else { continue }
          for quantity in CalibrationFormat.Quantity.allCases where quantity.type == type {
            let count = quantity == .count ? 1 : moments.columns
            tensors.append(
              (
                .init(
                  name: CalibrationFormat.tensorName(name, kind, quantity), type: type, shape: [count]),
                moments.bytes(of: quantity)
              ))
          }
        }
      }
    }
    let header = try SafetensorsHeader.encode(tensors.map(\.0), metadata: metadata(tensors))
    var bytes = header.bytes
    bytes.reserveCapacity(header.fileSize)
    for (_, content) in tensors { bytes += content }
    return bytes
  }

  private func metadata(_ tensors: [(SafetensorsHeader.NewTensor, [UInt8])]) throws -> [String: String] {
    let checksums = tensors.map {
      "\($0.0.name.jsonLiteral):\"\(Checksum.crc32($0.1).hexadecimal)\""
    }
    let values: [CalibrationFormat.Key: String] = [
      .format: CalibrationFormat.name, .version: CalibrationFormat.version, .tool: fields.tool,
      .model: try Self.json(fields.model), .sets: try Self.json(fields.sets),
      .settings: try Self.json(fields.settings), .counts: try Self.json(fields.counts),
      .failed: try Self.json(fields.failed), .checksums: "{\(checksums.joined(separator: ","))}",
    ]
    var metadata = Dictionary(uniqueKeysWithValues: values.map { ($0.key.rawValue, $0.value) })
    metadata[CalibrationFormat.Key.checksum.rawValue] = CalibrationFormat.checksum(of: metadata).hexadecimal
    return metadata
  }

  private static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}

extension ChannelMoments {
  /// The little-endian bytes of a tensor.
  fileprivate func bytes(of quantity: CalibrationFormat.Quantity) -> [UInt8] {
    switch quantity {
    case .sum: Self.bytes(sum.map(\.bitPattern.littleEndian))
    case .sumOfSquares: Self.bytes(sumOfSquares.map(\.bitPattern.littleEndian))
    case .count: Self.bytes([Int64(count).littleEndian])
    case .largest: Self.bytes(largest.map(\.bitPattern.littleEndian))
    }
  }

  private static func bytes(_ values: [some FixedWidthInteger]) -> [UInt8] {
    values.withUnsafeBytes { Array($0) }
  }
}
