/// JPEG files of one even color, as large as is wanted: every block is two bits, so a photo of 108 million
/// pixels has 633 KB.
enum GrayJPEG {
  /// - Parameters:
  ///   - marker: bytes that are put in behind the start of the image, such as a segment of EXIF data.
  ///   - isWhole: whether the picture's data are there; without, only what is in front of them.
  static func bytes(width: Int, height: Int, marker: [UInt8] = [], isWhole: Bool = true) -> [UInt8] {
    func short(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)] }
    func segment(_ type: UInt8, _ content: [UInt8]) -> [UInt8] {
      [0xFF, type] + short(content.count + 2) + content
    }
    // One code of one bit, for 0: no difference of a mean, no more coefficients of a block.
    let codes = [UInt8](arrayLiteral: 1) + [UInt8](repeating: 0, count: 15) + [0]
    let frame = [8] + short(height) + short(width) + [3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]
    var bytes: [UInt8] = [0xFF, 0xD8] + marker
    bytes += segment(0xDB, [0] + [UInt8](repeating: 1, count: 64))
    bytes += segment(0xC0, frame)
    bytes += segment(0xC4, [0x00] + codes) + segment(0xC4, [0x10] + codes)
    bytes += segment(0xDA, [3, 1, 0, 2, 0, 3, 0, 0, 63, 0])
    guard isWhole else { return bytes }
    let units = ((width + 15) / 16) * ((height + 15) / 16)
    return bytes + [UInt8](repeating: 0, count: (units * 12 + 7) / 8) + [0xFF, 0xD9]
  }
}

/// EXIF data that say nothing but how a picture is to be turned.
enum EXIF {
  /// A TIFF structure with one entry, in either byte order.
  static func bytes(orientation: Int, isLittleEndian: Bool) -> [UInt8] {
    func number(_ value: Int, _ count: Int) -> [UInt8] {
      let bytes = (0..<count).map { UInt8(value >> (8 * $0) & 0xFF) }
      return isLittleEndian ? bytes : bytes.reversed()
    }
    return Array((isLittleEndian ? "II" : "MM").utf8) + number(42, 2) + number(8, 4) + number(1, 2)
      + number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + number(0, 2) + number(0, 4)
  }

  /// The segment of a JPEG file.
  static func segment(orientation: Int, isLittleEndian: Bool = false) -> [UInt8] {
    let content = Array("Exif\0\0".utf8) + bytes(orientation: orientation, isLittleEndian: isLittleEndian)
    return [0xFF, 0xE1, 0, UInt8(content.count + 2)] + content
  }
}
