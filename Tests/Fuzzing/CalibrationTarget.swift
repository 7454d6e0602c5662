import CogBase
import CogCalibrate
import CogCheckpoint

/// Calibration files. Their checksums keep a fuzzer out: an input is tried as it is, and once more with right
/// checksums.
enum CalibrationTarget {
  static func calibration(_ bytes: UnsafeRawBufferPointer, _ scratch: Scratch) throws {
    do { try use(scratch.write(bytes, as: "input")) } catch is CogError {}
    try use(scratch.write(withRightChecksums(bytes), as: "input"))
  }

  /// The same tensors and fields with the checksums of `Formats/calibration.md`; what has no header stays as
  /// it is.
  private static func withRightChecksums(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    guard let header = try? SafetensorsHeader(file: bytes, path: "input") else { return Array(bytes) }
    var (tensors, data, checksums) = ([SafetensorsHeader.NewTensor](), [UInt8](), [String]())
    for entry in header.entries {
      guard let type = entry.encoding.plainType, let offset = entry.offset else { continue }
      let content = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + entry.byteCount])
      tensors.append(.init(name: entry.name, type: type, shape: entry.shape))
      data += content
      checksums.append("\(entry.name.jsonLiteral):\"\(digits(Checksum.crc32(content)))\"")
    }
    var metadata = header.metadata
    metadata["checksum"] = nil
    metadata["checksums"] = "{\(checksums.joined(separator: ","))}"
    let text = metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
    metadata["checksum"] = digits(Checksum.crc32(Array(text.utf8)))
    let encoded = try? SafetensorsHeader.encode(tensors, metadata: metadata)
    return encoded.map { $0.bytes + data } ?? Array(bytes)
  }

  private static func digits(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  private static func use(_ path: String) throws {
    let calibration = try Calibration(path: path)
    _ = CalibrationReport(calibration, path: path)
    // What was read is written, and what was written is read.
    try calibration.write(to: path)
    let again = try Calibration(path: path)
    guard again.fields == calibration.fields, again.table == calibration.table else {
      throw ContractBroken(what: "the calibration is another one when it is written")
    }
  }
}
