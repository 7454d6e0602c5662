import CogBase
import CogMedia
import CogTestSupport
import Foundation
import Testing

/// An image in which every pixel has another color.
private func gradient(_ width: Int, _ height: Int, _ shade: Int = 0) throws -> RGBImage {
  let pixels = (0..<width * height).flatMap { index in
    [
      UInt8(truncatingIfNeeded: index), UInt8(truncatingIfNeeded: index / 7),
      UInt8(truncatingIfNeeded: shade),
    ]
  }
  return try RGBImage(width: width, height: height, pixels: pixels)
}

extension PNGWriter {
  /// Writes an image as a file.
  fileprivate static func write(_ image: RGBImage, to path: String) throws {
    try Data(encode(image)).write(to: URL(filePath: path))
  }
}

@Suite("PNG files")
struct PNGWriterTests {
  @Test(
    "an image reads back as it was written",
    arguments: [(1, 1), (3, 5), (17, 2), (97, 65), (320, 240), (1, 300)])
  func roundTrip(width: Int, height: Int) throws {
    let folder = try TemporaryFolder()
    let image = try gradient(width, height, 77)
    try PNGWriter.write(image, to: folder.path("image.png"))
    #expect(try ImageFolder.readImage(folder.path("image.png")) == image)
    #expect(try folder.contents() == ["image.png"])
  }

  @Test("the bytes are a PNG file")
  func signature() throws {
    let bytes = try PNGWriter.encode(gradient(2, 2))
    #expect(Array(bytes.prefix(8)) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
  }
}

@Suite("Folders of images")
struct ImageFolderTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func fill(_ names: [String]) throws {
    for (shade, name) in names.enumerated() {
      try PNGWriter.write(gradient(12, 8, shade), to: folder.path(name))
    }
  }

  @Test("numbers in names count as numbers, other files are passed over")
  func naturalOrder() throws {
    try fill(["frame10.png", "frame9.png", "frame009.png", "frame1.png", "b.png", "B.PNG", "frame1a.png"])
    _ = try folder.write(Array("not an image".utf8), as: "notes.txt")
    _ = try folder.write(Array("not an image".utf8), as: ".hidden.png")
    let images = try ImageFolder(path: folder.url.path, imagesPerSecond: 2)
    #expect(
      images.names == [
        "B.PNG", "b.png", "frame1.png", "frame1a.png", "frame009.png", "frame9.png", "frame10.png",
      ])
  }

  @Test("a folder is a video whose image i stands at i / rate")
  func asVideo() throws {
    try fill((0..<7).map { "\($0).png" })
    let sampled = try VideoInput(path: folder.url.path, imagesPerSecond: 2).sample(.chat)
    #expect(sampled.selection.indices == [0, 2, 4, 6])
    #expect(sampled.selection.times == [0, 1, 2, 3])
    #expect(sampled.images == (try [0, 2, 4, 6].map { try gradient(12, 8, $0) }))
    #expect(sampled.selection.width == 12 && sampled.selection.height == 8)
    #expect(sampled.selection.frameCount == 7 && sampled.selection.averageFrameRate == 2)
    let base = try VideoInput(path: folder.url.path, imagesPerSecond: 2).sample(.base, maximumFrames: 3)
    #expect(base.selection.indices == [0, 3, 6])
  }

  @Test("images of other formats are read")
  func otherFormats() throws {
    // A binary PPM file of two pixels.
    _ = try folder.write(Array("P6\n2 1\n255\n".utf8) + [10, 20, 30, 200, 100, 0], as: "a.ppm")
    let images = try ImageFolder(path: folder.url.path, imagesPerSecond: 1)
    try images.decode(frames: [0]) { _, image in #expect(image.pixels == [10, 20, 30, 200, 100, 0]) }
  }

  @Test("a folder needs a rate, images, and images that are whole")
  func errors() throws {
    let path = folder.url.path
    _ = errorNaming(path) { _ = try VideoInput(path: path).sample(.chat) }
    _ = errorNaming(path) { _ = try VideoInput(path: path, imagesPerSecond: 2).sample(.chat) }
    try fill(["a.png"])
    for rate in [0, -1, .nan, .infinity] as [Double] {
      _ = errorNaming(path) { _ = try ImageFolder(path: path, imagesPerSecond: rate) }
    }
    let whole = try PNGWriter.encode(gradient(64, 64))
    let cut = try folder.write(whole.prefix(whole.count / 2), as: "b.png")
    _ = errorNaming(cut) { _ = try VideoInput(path: path, imagesPerSecond: 2).sample(.base) }
    let text = try folder.write(Array("no image".utf8), as: "b.png")
    _ = errorNaming(text) { _ = try VideoInput(path: path, imagesPerSecond: 2).sample(.base) }
    let images = try ImageFolder(path: path, imagesPerSecond: 2)
    _ = errorNaming(path) { try images.decode(frames: [2]) { _, _ in } }
  }
}

@Suite("Export of frames")
struct FrameExportTests {
  @Test("the frames, the prepared images and their table are written")
  func export() throws {
    let folder = try TemporaryFolder()
    let preparation = try ImagePreparation(size: 28)
    let input = VideoInput(path: "\(clipsFolder)/h264_vfr.mp4")
    let (sampled, source) = (try input.sample(.chat), try input.open())
    let written = try FrameExport(to: folder.path("out")).write(
      source, sampled.selection, preparation: preparation
    ).files
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("out")).sorted()
    #expect(
      names == ["frame-00.png", "frame-01.png", "frame-02.png", "frame-03.png", "frames.csv"]
        + ["prepared-00.png", "prepared-01.png", "prepared-02.png", "prepared-03.png"])
    #expect(Set(written) == Set(names.map { folder.path("out/\($0)") }))
    let table = try String(contentsOfFile: folder.path("out/frames.csv"), encoding: .utf8)
    let lines = ["0,0,0.0", "1,7,0.875", "2,11,2.041667", "3,14,2.916667"].enumerated().map { place, cells in
      let files = ["frame-0\(place).png", "prepared-0\(place).png"]
      let sums = files.map { name in
        let bytes = FileManager.default.contents(atPath: folder.path("out/\(name)")) ?? Data()
        return String(Checksum.crc32(Array(bytes)), radix: 16)
      }
      return ([cells] + files + sums).joined(separator: ",") + "\n"
    }
    #expect(
      table == "position,index,seconds,frame,prepared,frame_crc32,prepared_crc32\n" + lines.joined())
    let picture = try preparation.picture(of: preparation.prepare(sampled.images[2]))
    #expect(try ImageFolder.readImage(folder.path("out/frame-02.png")) == sampled.images[2])
    #expect(try ImageFolder.readImage(folder.path("out/prepared-02.png")) == picture)
  }

  @Test("a folder that cannot be made is an error")
  func noFolder() throws {
    let folder = try TemporaryFolder()
    let source = try VideoInput(path: "\(clipsFolder)/h264_half_second.mp4").open()
    let selection = try source.select(.chat)
    let path = folder.path("none/out")
    _ = errorNaming(path) {
      try FrameExport(to: path).write(source, selection, preparation: ImagePreparation(size: 8))
    }
  }
}
