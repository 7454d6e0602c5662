import CogBase
import CogMedia
import CogTestSupport
import Foundation
import Testing

@Suite("Pictures")
struct PictureTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// An image in which no two pixels are alike.
  private static func image(_ width: Int, _ height: Int) throws -> RGBImage {
    var pixels: [UInt8] = []
    for row in 0..<height {
      for column in 0..<width {
        pixels += [UInt8(column * 9), UInt8(row * 11), UInt8((row * width + column) % 251)]
      }
    }
    return try RGBImage(width: width, height: height, pixels: pixels)
  }

  /// What the EXIF standard says: the side at which the first row and the first column of what is stored are
  /// shown.
  private static func shown(_ stored: RGBImage, orientation: Int) throws -> RGBImage {
    let (width, height) = orientation < 5 ? (stored.width, stored.height) : (stored.height, stored.width)
    var pixels = [UInt8](repeating: 0, count: width * height * 3)
    for row in 0..<stored.height {
      for column in 0..<stored.width {
        let (mirroredRow, mirroredColumn) = (stored.height - 1 - row, stored.width - 1 - column)
        let (y, x) =
          switch orientation {
          case 2: (row, mirroredColumn)
          case 3: (mirroredRow, mirroredColumn)
          case 4: (mirroredRow, column)
          case 5: (column, row)
          case 6: (column, mirroredRow)
          case 7: (mirroredColumn, mirroredRow)
          case 8: (mirroredColumn, row)
          default: (row, column)
          }
        let (red, green, blue) = stored[row, column]
        pixels.replaceSubrange((y * width + x) * 3..<(y * width + x) * 3 + 3, with: [red, green, blue])
      }
    }
    return try RGBImage(width: width, height: height, pixels: pixels)
  }

  /// A PNG file with a chunk of EXIF data behind its header.
  private func png(_ image: RGBImage, _ data: [UInt8]) throws -> [UInt8] {
    func number(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 0xFF) } }
    var bytes = try PNGWriter.encode(image)
    let content = Array("eXIf".utf8) + data
    bytes.insert(contentsOf: number(UInt32(data.count)) + content + number(Checksum.crc32(content)), at: 33)
    return bytes
  }

  @Test("report 6: a picture is turned as its EXIF data says", arguments: 1...8, [true, false])
  func orientations(orientation: Int, isLittleEndian: Bool) throws {
    let stored = try Self.image(23, 14)
    let data = EXIF.bytes(orientation: orientation, isLittleEndian: isLittleEndian)
    let path = try folder.write(png(stored, data), as: "a.png")
    let expected = try Self.shown(stored, orientation: orientation)
    #expect(try ImageFolder.readImage(path) == expected)
    // As a video of one picture, and as the first of a folder.
    #expect(try decodeAll(path) == [expected])
    #expect(try VideoFile(path: path).width == expected.width)
    let images = try ImageFolder(path: folder.url.path, imagesPerSecond: 1)
    #expect(images.width == expected.width && images.height == expected.height)
  }

  @Test("report 6: JPEG files are turned, whatever stands before the EXIF data", arguments: 1...8)
  func jpeg(orientation: Int) throws {
    let other: [UInt8] = [0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xFF, 0xE2, 0, 3, 9]
    let marker = other + EXIF.segment(orientation: orientation)
    let path = try folder.write(GrayJPEG.bytes(width: 48, height: 16, marker: marker), as: "a.jpg")
    let image = try ImageFolder.readImage(path)
    #expect(image.width == (orientation < 5 ? 48 : 16) && image.height == (orientation < 5 ? 16 : 48))
  }

  @Test("report 6: WebP and TIFF files are turned")
  func otherFormats() throws {
    let stored = try ImageFolder.readImage("\(clipsFolder)/pictures/upright.webp")
    let expected = try Self.shown(stored, orientation: 6)
    for ending in ["webp", "tif"] {
      let image = try ImageFolder.readImage("\(clipsFolder)/pictures/orientation6.\(ending)")
      #expect(image == expected, "\(ending)")
    }
  }

  @Test("report 6: the pictures of the report are those that were turned by hand")
  func report() throws {
    for name in ["0.jpg", "1.jpg"] {
      let turned = try ImageFolder.readImage(Fixtures.path("reports/exif/phone/\(name)"))
      let upright = try ImageFolder.readImage(Fixtures.path("reports/exif/upright/\(name)"))
      #expect(turned.width == upright.width && turned.height == upright.height)
      let difference = zip(turned.pixels, upright.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
      // Turned before it was compressed anew.
      #expect(difference < 3 * turned.pixels.count)
    }
  }

  @Test(
    "EXIF data that make no sense leave a picture as it is",
    arguments: [0, 9, 255, 65535] as [Int])
  func senseless(orientation: Int) throws {
    let stored = try Self.image(5, 3)
    let data = EXIF.bytes(orientation: orientation, isLittleEndian: true)
    for length in [data.count, 0, 7, 9, 20] {
      let path = try folder.write(png(stored, Array(data.prefix(length))), as: "a.png")
      #expect(try ImageFolder.readImage(path) == stored)
    }
    // Directories and segments that point nowhere.
    for offset in [0, 0x7FFF_FFFF, 0xFFFF_FFFF] {
      var changed = data
      for byte in 0..<4 { changed[4 + byte] = UInt8(offset >> (8 * byte) & 0xFF) }
      let path = try folder.write(png(stored, changed), as: "a.png")
      #expect(try ImageFolder.readImage(path) == stored)
    }
  }

  @Test("report 13f: a photo of 108 million pixels is shown")
  func largePhoto() throws {
    _ = try folder.write(GrayJPEG.bytes(width: 12_000, height: 9_000), as: "a.jpg")
    let source = try VideoInput(path: folder.url.path, imagesPerSecond: 1).open()
    #expect(source.width == 12_000 && source.height == 9_000)
    let preparation = try ImagePreparation(size: 28)
    var planes = [Float](repeating: .nan, count: preparation.valueCount)
    try source.stream(source.select(.chat)) { _, frame in
      try planes.withUnsafeMutableBufferPointer { try frame.prepare(preparation, into: $0) }
    }
    let gray = try RGBImage(width: 28, height: 28, pixels: [UInt8](repeating: 128, count: 28 * 28 * 3))
    #expect(largestDifference(planes, preparation.prepare(gray)) < 1e-6)
  }

  @Test("a large picture is prepared from the rows that are needed, to the same bits")
  func largePicture() throws {
    try FileManager.default.copyItem(
      atPath: "\(clipsFolder)/pictures/large.jpg", toPath: folder.path("large.jpg"))
    let source = try VideoInput(path: folder.url.path, imagesPerSecond: 1).open()
    #expect(source.width == 4096 && source.height == 4112)
    for size in [28, 224] {
      let preparation = try ImagePreparation(size: size)
      var planes = [Float](repeating: .nan, count: preparation.valueCount)
      try source.stream(source.select(.chat)) { _, frame in
        try planes.withUnsafeMutableBufferPointer { try frame.prepare(preparation, into: $0) }
        let whole = preparation.prepare(try frame.image())
        #expect(planes == whole)
      }
    }
  }

  @Test("a large picture is written in bands, the same file as of the whole image", arguments: [1, 3, 6, 8])
  func largePictureFile(orientation: Int) throws {
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(clipsFolder)/pictures/large.jpg")))
    bytes.insert(contentsOf: EXIF.segment(orientation: orientation), at: 2)
    let path = try folder.write(bytes, as: "a.jpg")
    // The picture says 6 itself.
    let turned = try ImageFolder.readImage("\(clipsFolder)/pictures/large.jpg")
    let image = try ImageFolder.readImage(path)
    #expect((image == turned) == (orientation == 6))
    #expect(image.width == (orientation < 5 ? 4112 : 4096))
    let expected = try PNGWriter.encode(image)
    let source = try VideoInput(path: folder.url.path, imagesPerSecond: 1).open()
    try source.stream(source.select(.chat)) { _, frame in
      let isSame = try frame.png() == expected
      #expect(isSame)
    }
  }

  @Test("report 13a: animated WebP and playlists are named")
  func foreignContent() throws {
    let webp = Fixtures.path("reports/videos/anim.webp")
    #expect(
      errorNaming(webp) { _ = try VideoInput(path: webp).open() }?.problem == "animated WebP is not read")
    try FileManager.default.copyItem(atPath: webp, toPath: folder.path("a.webp"))
    let image = errorNaming(folder.path("a.webp")) {
      _ = try VideoInput(path: folder.url.path, imagesPerSecond: 1).open()
    }
    #expect(image?.problem == "animated WebP is not read")
    let playlist = Fixtures.path("reports/transport/playlist.m3u8")
    let error = errorNaming(playlist) { _ = try VideoInput(path: playlist).open() }
    #expect(error?.problem == "this is a playlist, not a video" && error?.found == "an M3U playlist")
    for text in [
      "ffconcat version 1.0\nfile a.mp4\n", "[playlist]\nFile1=a.mp4\n", "\u{FEFF}#EXTM3U\na.ts\n",
      "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"></MPD>", "<asx version=\"3.0\">",
    ] {
      let path = try folder.write(text.utf8, as: "list.mp4")
      #expect(errorNaming(path) { _ = try VideoInput(path: path).open() }?.code == .unsupported, "\(text)")
    }
  }

  @Test("report 13g: frames that an edit list hides are not chosen")
  func editList() throws {
    let path = Fixtures.path("reports/videos/edit_cut.mp4")
    let video = try VideoFile(path: path)
    #expect(video.frameCount == 40 && video.shown == Array(13..<40))
    let base = (0..<24).map { 13 + ($0 == 23 ? 26 : Int(Double($0) * 26 / 23)) }
    #expect(try video.select(.base).indices == base)
    #expect(try video.select(.uniform(27)).indices.allSatisfy { $0 >= 13 })
    #expect(try video.select(.chat).times[0] == 0)
    // What is shown of the first is what FFmpeg shows first.
    #expect(try VideoInput(path: path).sample(.base).images.count == 24)
  }
}
