import CogBase

/// Reads how a picture is to be turned from the EXIF data in its file (JPEG, PNG, WebP, TIFF).
///
/// libavcodec hands this out for JPEG alone in its older versions, so the file is looked at itself. Whatever
/// makes no sense, or is not there, means upright.
struct EXIFReader {
  /// Pieces of a file (segments, chunks) that are looked at; no honest picture has more.
  private static let mostPieces = 1 << 17
  /// The most entries of a directory.
  private static let mostEntries = 1024
  private static let orientationTag = 0x0112

  private let file: FileSource

  /// The orientation of the picture in a file.
  static func orientation(ofFile path: String) -> Orientation {
    guard let file = try? FileSource(path: path, cancellation: NeverCancelled()) else { return .upright }
    return EXIFReader(file: file).orientation() ?? .upright
  }

  private func orientation() -> Orientation? {
    let beginning = file.bytes(at: 0, count: 16)
    if beginning.starts(with: [0xFF, 0xD8]) { return inJPEG() }
    if beginning.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return inPNG() }
    if beginning.starts(with: "RIFF".utf8), beginning.dropFirst(8).starts(with: "WEBP".utf8) {
      return inWebP()
    }
    return inTIFF(at: 0)
  }

  /// Segments from the start of the image to the first scan; the EXIF data is in one of type APP1.
  private func inJPEG() -> Orientation? {
    var offset = 2
    for _ in 0..<Self.mostPieces {
      let head = file.bytes(at: offset, count: 10)
      guard head.count >= 4, head[0] == 0xFF else { return nil }
      // Filling bytes, and marks without a length.
      if head[1] == 0xFF || head[1] == 0x01 || (0xD0...0xD8).contains(head[1]) {
        offset += head[1] == 0xFF ? 1 : 2
        continue
      }
      guard head[1] != 0xDA, head[1] != 0xD9 else { return nil }
      if head[1] == 0xE1, head.dropFirst(4).elementsEqual(Array("Exif".utf8) + [0, 0]) {
        return inTIFF(at: offset + 10)
      }
      offset += 2 + (Int(head[2]) << 8 | Int(head[3]))
    }
    return nil
  }

  /// Chunks: length, name, data, checksum.
  private func inPNG() -> Orientation? {
    var offset = 8
    for _ in 0..<Self.mostPieces {
      let head = file.bytes(at: offset, count: 8)
      guard head.count == 8 else { return nil }
      if head[4...].elementsEqual("eXIf".utf8) { return inTIFF(at: offset + 8) }
      if head[4...].elementsEqual("IEND".utf8) { return nil }
      offset += 12 + Self.number(head[0..<4], isLittleEndian: false)
    }
    return nil
  }

  /// Chunks: name, length, data, filled up to an even length.
  private func inWebP() -> Orientation? {
    var offset = 12
    for _ in 0..<Self.mostPieces {
      let head = file.bytes(at: offset, count: 14)
      guard head.count >= 8 else { return nil }
      if head.starts(with: "EXIF".utf8) {
        let hasPrefix = head.dropFirst(8).elementsEqual(Array("Exif".utf8) + [0, 0])
        return inTIFF(at: offset + (hasPrefix ? 14 : 8))
      }
      let length = Self.number(head[4..<8], isLittleEndian: true)
      offset += 8 + length + length % 2
    }
    return nil
  }

  /// The first directory of a TIFF structure.
  private func inTIFF(at start: Int) -> Orientation? {
    let header = file.bytes(at: start, count: 8)
    guard header.count == 8 else { return nil }
    let isLittleEndian = header.starts(with: "II".utf8)
    guard isLittleEndian || header.starts(with: "MM".utf8),
      Self.number(header[2..<4], isLittleEndian: isLittleEndian) == 42
    else { return nil }
    let directory = start + Self.number(header[4..<8], isLittleEndian: isLittleEndian)
    let count = file.bytes(at: directory, count: 2)
    guard count.count == 2 else { return nil }
    let entryCount = min(Self.number(count[...], isLittleEndian: isLittleEndian), Self.mostEntries)
    let entries = file.bytes(at: directory + 2, count: entryCount * 12)
    for entry in stride(from: 0, to: entries.count - 11, by: 12) {
      func field(_ offset: Int, _ count: Int) -> Int {
        Self.number(
          entries[entry + offset..<entry + offset + count], isLittleEndian: isLittleEndian)
      }
      guard field(0, 2) == Self.orientationTag else { continue }
      // A short, or a long as some programs write.
      switch field(2, 2) {
      case 3: return Orientation(rawValue: field(8, 2))
      case 4: return Orientation(rawValue: field(8, 4))
      default: return nil
      }
    }
    return nil
  }

  private static func number(_ bytes: ArraySlice<UInt8>, isLittleEndian: Bool) -> Int {
    let ordered = isLittleEndian ? Array(bytes.reversed()) : Array(bytes)
    return ordered.reduce(0) { $0 << 8 | Int($1) }
  }
}
