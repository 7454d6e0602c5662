import CogBase
import CogMedia
import CogTestSupport
import Foundation
import Testing

/// Files that are made to cost memory, time or a trap. By hand each was seen to take less than 2 s and less
/// than 256 MB above its size.
@Suite("Hostile videos", .timeLimit(.minutes(2)))
struct HostileVideoTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func little(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (8 * $0) & 0xFF) } }
  private static func big(_ value: UInt32) -> [UInt8] { little(value).reversed() }

  /// The file as a video, and as an image of a folder: an error that names it.
  private func expectRefusal(_ bytes: [UInt8], as name: String) throws {
    let path = try folder.write(bytes, as: name)
    for sampling in FrameSampling.published + [.uniform(1024)] {
      _ = errorNaming(path) { _ = try VideoInput(path: path).sample(sampling) }
    }
    _ = errorNaming(path) { _ = try ImageFolder.readImage(path) }
  }

  @Test(
    "JPEG files of absurd sizes are refused by their header",
    arguments: [(65_500, 65_500), (65_500, 2_100), (0, 8)])
  func jpeg(width: Int, height: Int) throws {
    try expectRefusal(GrayJPEG.bytes(width: width, height: height, isWhole: false), as: "a.jpg")
  }

  @Test(
    "PNG files of absurd sizes are refused by their header",
    arguments: [0x7FFF_FFFF, 100_000, 11_600] as [UInt32])
  func png(side: UInt32) throws {
    var bytes = try PNGWriter.encode(RGBImage(width: 8, height: 8, pixels: [UInt8](repeating: 1, count: 192)))
    bytes.replaceSubrange(16..<24, with: Self.big(side) + Self.big(side))
    bytes.replaceSubrange(29..<33, with: Self.big(Checksum.crc32(Array(bytes[12..<29]))))
    try expectRefusal(bytes, as: "a.png")
  }

  @Test("GIF files of absurd sizes, or without pictures, are refused")
  func gif() throws {
    let screen = Array("GIF89a".utf8) + [0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0, 0, 0, 0, 0, 255, 255, 255]
    let picture: [UInt8] = [0x2C, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 2, 2, 0x4C, 1, 0]
    try expectRefusal(screen + picture + picture + [0x3B], as: "large.gif")
    try expectRefusal(screen + [0x3B], as: "none.gif")
  }

  @Test(
    "raw video of absurd sizes, or without frames, is refused",
    arguments: ["W100000 H100000", "W2147483647 H2147483647", "W0 H0", "W-1 H5", "W9000 H9000"])
  func rawVideo(size: String) throws {
    try expectRefusal(Array("YUV4MPEG2 \(size) F25:1 Ip C420\nFRAME\n".utf8), as: "a.y4m")
    try expectRefusal(Array("YUV4MPEG2 W16 H16 F25:1 Ip C420\n".utf8), as: "none.y4m")
  }

  @Test("an MP4 file whose header says absurd sizes or times ends in an error or in frames")
  func mp4() throws {
    let name = "h264_half_second.mp4"
    let original = [UInt8](try Data(contentsOf: URL(filePath: "\(clipsFolder)/\(name)")))
    func place(_ box: String) throws -> Int {
      let pattern = Array(box.utf8)
      return try #require(
        original.indices.dropLast(4).first { original[$0..<$0 + 4].elementsEqual(pattern) })
    }
    let huge: [UInt32] = [0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF]
    // Time scale of the track, duration and count of the first run of frames, first frame's offset, sizes.
    for (box, offset) in [
      ("mdhd", 16), ("mdhd", 20), ("mvhd", 16), ("stts", 8), ("stts", 12), ("stts", 16), ("stsz", 12),
      ("stsc", 12), ("stsc", 16), ("stco", 12), ("ctts", 16), ("elst", 12), ("elst", 16), ("tkhd", 80),
      ("avc1", 28),
    ] where original.contains(Array(box.utf8)) {
      for value in huge {
        var bytes = original
        let at = try place(box) + offset
        guard at + 4 <= bytes.count else { continue }
        bytes.replaceSubrange(at..<at + 4, with: Self.big(value))
        let path = try folder.write(bytes, as: "\(box)-\(offset)-\(value).mp4")
        for sampling in FrameSampling.published + [.uniform(8)] {
          do {
            #expect(try !VideoInput(path: path).sample(sampling).images.isEmpty)
          } catch let error as CogError { #expect(error.file == path) }
        }
      }
    }
  }

  @Test("an AVI file with absurd rates or lengths ends in an error or in frames")
  func avi() throws {
    let original = [UInt8](try Data(contentsOf: URL(filePath: "\(clipsFolder)/codecs/mjpeg.avi")))
    let header = try #require(
      original.indices.dropLast(4).first { original[$0..<$0 + 4].elementsEqual(Array("strh".utf8)) })
    // Scale, rate, start and length of the stream.
    for offset in [28, 32, 36, 40] {
      for value in [0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF] as [UInt32] {
        var bytes = original
        bytes.replaceSubrange(header + offset..<header + offset + 4, with: Self.little(value))
        let path = try folder.write(bytes, as: "\(offset)-\(value).avi")
        for sampling in FrameSampling.published + [.uniform(8)] {
          do {
            #expect(try !VideoInput(path: path).sample(sampling).images.isEmpty)
          } catch let error as CogError { #expect(error.file == path) }
        }
      }
    }
  }
}
