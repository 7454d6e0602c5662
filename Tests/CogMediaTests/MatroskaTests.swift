import CogBase
import CogMedia
import CogTestSupport
import Testing

/// Files of pictures that are shown at any time one likes, as recordings of screens have them.
@Suite("Matroska files")
struct MatroskaTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func bigEndian(_ value: UInt64) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian, Array.init)
  }

  private static func element(_ id: UInt32, _ content: [UInt8], sizeIsKnown: Bool = true) -> [UInt8] {
    let mark: UInt64 = 1 << 56
    let size = sizeIsKnown ? UInt64(content.count) | mark : mark | (mark - 1)
    return bigEndian(UInt64(id)).drop { $0 == 0 } + bigEndian(size) + content
  }

  private static func number(_ id: UInt32, _ value: UInt64) -> [UInt8] { element(id, bigEndian(value)) }

  /// The level of a picture, which tells its number.
  private static func level(_ number: Int) -> UInt8 { UInt8(number * 2 % 256) }

  /// A file of PNG pictures at these times in milliseconds that states a length in seconds.
  private static func bytes(_ times: [Int], length: Double, sizeIsKnown: Bool = true) throws -> [UInt8] {
    let header: [[UInt8]] = [element(0x4282, Array("matroska".utf8)), number(0x4287, 4), number(0x4285, 2)]
    let sizes: [UInt8] = [40, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0, 1, 0, 24, 0]
    let bitmap: [[UInt8]] = [sizes, Array("MPNG".utf8), [UInt8](repeating: 0, count: 20)]
    let info: [[UInt8]] = [number(0x2A_D7B1, 1_000_000), number(0x4489, (length * 1000).bitPattern)]
    let track: [[UInt8]] = [
      number(0xD7, 1), number(0x73C5, 1), number(0x83, 1), element(0x86, Array("V_MS/VFW/FOURCC".utf8)),
      element(0x63A2, bitmap.flatMap { $0 }), element(0xE0, number(0xB0, 16) + number(0xBA, 16)),
    ]
    let clusters = try times.enumerated().flatMap { place, time in
      let image = try RGBImage(
        width: 16, height: 16, pixels: [UInt8](repeating: level(place), count: 16 * 16 * 3))
      let block: [UInt8] = try [0x81, 0, 0, 0x80] + PNGWriter.encode(image)
      return element(0x1F43_B675, number(0xE7, UInt64(time)) + element(0xA3, block))
    }
    let segment: [[UInt8]] = [
      element(0x1549_A966, info.flatMap { $0 }),
      element(0x1654_AE6B, element(0xAE, track.flatMap { $0 })), clusters,
    ]
    return element(0x1A45_DFA3, header.flatMap { $0 })
      + element(0x1853_8067, segment.flatMap { $0 }, sizeIsKnown: sizeIsKnown)
  }

  @Test("two frames at one time take nothing from the times of the others, nor from their pictures")
  func repeatedTime() throws {
    // 30 frames a second for 2 seconds, and one a second after that.
    let once = (0..<60).map { $0 * 100 / 3 } + (2..<40).map { $0 * 1000 }
    let twice = (once + [3000]).sorted()
    let path = try folder.write(Self.bytes(twice, length: 40), as: "a.mkv")
    let video = try VideoFile(path: path)
    #expect(video.times.map { Int(($0 * 1000).rounded()) } == twice)
    let sampled = try VideoInput(path: path).sample(.chat)
    #expect(sampled.selection.times.map { $0.rounded() } == (0..<24).map(Double.init))
    for (index, image) in zip(sampled.selection.indices, sampled.images) {
      #expect(image.pixels[0] == Self.level(index))
    }
    // Of two that are equally close it is the first.
    #expect(sampled.selection.indices.suffix(21) == [61] + (63..<83))
  }

  @Test("a last picture that stays long is no cut, where all bytes are there")
  func longEnd() throws {
    for times in [[0], [0, 1000, 2000]] {
      let path = try folder.write(Self.bytes(times, length: 10), as: "whole.mkv")
      let sampled = try VideoInput(path: path).sample(.chat)
      #expect(sampled.frames.map(\.seconds) == times.map { Double($0) / 1000 })
      #expect(sampled.frames.damaged == nil)
    }
  }

  @Test("an end that is missing, or may be, is refused, and told of the last picture where it is tolerated")
  func missingEnd() throws {
    let whole = try Self.bytes([0, 1000, 2000], length: 10)
    let more = try Self.bytes([0, 1000, 2000, 3000], length: 10)
    let streamed = try Self.bytes([0, 1000, 2000], length: 10, sizeIsKnown: false)
    for bytes in [more.prefix(whole.count), streamed[...]] {
      let path = try folder.write(Array(bytes), as: "a.mkv")
      let error = errorNaming(path) { _ = try VideoInput(path: path).sample(.chat) }
      #expect(error?.problem == "the file ends too early")
      #expect(error?.advice?.contains("--tolerate-damage") == true)
      let sampled = try VideoInput(path: path, toleratesDamage: true).sample(.chat)
      #expect(sampled.images.count == 3)
      #expect(sampled.damages.map { $0?.contains("ends too early") } == [nil, nil, true])
    }
  }
}
