import CLibAV
import CogBase
import CogMedia
import CogTestSupport
import Foundation
import Synchronization
import Testing

/// A clip of one codec in `Tests/Fixtures/videos/codecs`, and where its damage is put: in the middle of a
/// keyframe.
private struct CodecClip: Sendable, CustomTestStringConvertible {
  let file: String
  /// The number of the keyframe.
  let frame: Int
  let offset: Int
  let length: Int

  init(_ file: String, _ frame: Int, _ offset: Int, _ length: Int) {
    (self.file, self.frame, self.offset, self.length) = (file, frame, offset, length)
  }

  var testDescription: String { file }

  /// The file's bytes with zeros in the keyframe.
  func damaged() throws -> [UInt8] {
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(clipsFolder)/codecs/\(file)")))
    bytes.replaceSubrange(offset..<offset + length, with: repeatElement(0, count: length))
    return bytes
  }

  /// Those whose decoders report it.
  static let told = [
    CodecClip("apng.apng", 0, 520, 223), CodecClip("asv1.avi", 1, 8347, 393),
    CodecClip("cinepak.avi", 4, 14492, 559), CodecClip("ffv1.mkv", 4, 10140, 462),
    CodecClip("flv1.flv", 4, 13132, 958), CodecClip("h263.3gp", 4, 15731, 1076),
    CodecClip("h264.mp4", 4, 4972, 379), CodecClip("hevc-hash.mp4", 1, 2067, 310),
    CodecClip("mjpeg.avi", 1, 9271, 592), CodecClip("mpeg2.ts", 6, 13504, 736),
    CodecClip("mpeg4.mp4", 6, 10308, 770), CodecClip("msmpeg4v2.avi", 4, 16374, 640),
    CodecClip("msmpeg4v3.avi", 4, 16061, 630), CodecClip("png.avi", 1, 7351, 234),
    CodecClip("prores.mov", 1, 6057, 916), CodecClip("rv10.rm", 0, 2682, 1221),
    CodecClip("svq1.mov", 0, 567, 265), CodecClip("targa.avi", 1, 13747, 1161),
    CodecClip("theora.ogv", 4, 9027, 461), CodecClip("utvideo.avi", 1, 10896, 742),
    CodecClip("wmv1.avi", 4, 17043, 791), CodecClip("zmbv.avi", 0, 6192, 232),
  ]
}

private let reports = Fixtures.path("reports")

@Suite("Damage that decoders report")
struct ReportedDamageTests {
  @Test("decoders of another user of FFmpeg keep what they refer to, whatever they log")
  func otherDecoders() throws {
    // The log is ours from the first picture on.
    _ = try PNGWriter.encode(RGBImage(width: 1, height: 1, pixels: [1, 2, 3]))
    let context = try #require(avcodec_alloc_context3(nil))
    defer {
      var freed: UnsafeMutablePointer<AVCodecContext>? = context
      avcodec_free_context(&freed)
    }
    // Nothing lies at this address.
    context.pointee.opaque = UnsafeMutableRawPointer(bitPattern: 8)
    withVaList([]) { av_vlog(context, AV_LOG_ERROR, "of another program", $0) }
  }

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func codecClips() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(clipsFolder)/codecs").filter {
      !$0.hasSuffix(".md")
    }.sorted()
  }

  @Test("whole clips of every codec are shown", arguments: try codecClips())
  func undamaged(name: String) throws {
    let video = try VideoFile(path: "\(clipsFolder)/codecs/\(name)")
    var numbers: [Int] = []
    try video.decode(frames: 0..<video.frameCount) { frame in
      #expect(frame.damage == nil)
      numbers.append(frame.number)
    }
    #expect(numbers.count == (name == "mpeg1.mpg" ? 40 : 8))
  }

  @Test(
    "report 5b: a damaged picture is named by file, frame and second, and shown where that is tolerated",
    arguments: CodecClip.told)
  fileprivate func told(_ clip: CodecClip) throws {
    let path = try folder.write(clip.damaged(), as: clip.file)
    let error = errorNaming(path) { try VideoFile(path: path).decode(frames: [clip.frame]) { _ in } }
    if clip.file != "svq1.mov", clip.file != "zmbv.avi" {
      // Those two have no picture left at all.
      #expect(error?.subject?.hasPrefix("frame \(clip.frame) at ") == true)
      #expect(error?.problem.hasPrefix("the video is damaged: ") == true)
      var damage: String?
      try VideoFile(path: path, toleratesDamage: true).decode(frames: [clip.frame]) { damage = $0.damage }
      #expect(damage != nil)
    }
    #expect(error?.code == .damaged)
    // What comes before the damage is as it was, but for pictures between that build on both sides.
    if clip.frame > 2 { try VideoFile(path: path).decode(frames: 0..<clip.frame - 2) { _ in } }
  }

  @Test("damage that a container tells is not lost among what other threads meet")
  func manyThreads() throws {
    let clip = try #require(CodecClip.told.first { $0.file == "theora.ogv" })
    let path = try folder.write(clip.damaged(), as: clip.file)
    let broken = try folder.write([UInt8](repeating: 71, count: 4000), as: "broken.ts")
    let told = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 64) { number in
      if number.isMultiple(of: 2) {
        _ = try? VideoFile(path: broken)
      } else {
        try? VideoFile(path: path, toleratesDamage: true).decode(frames: [clip.frame]) { frame in
          if frame.damage != nil { told.withLock { $0 += 1 } }
        }
      }
    }
    #expect(told.withLock { $0 } == 32)
  }

  @Test(
    "pictures in front of a damaged keyframe that build on it are damaged",
    arguments: ["mpeg2.ts", "mpeg4.mp4"])
  func builtOnDamage(name: String) throws {
    let clip = try #require(CodecClip.told.first { $0.file == name })
    let path = try folder.write(clip.damaged(), as: name)
    for number in [4, 5] {
      let error = errorNaming(path) { try VideoFile(path: path).decode(frames: [number]) { _ in } }
      #expect(error?.subject?.hasPrefix("frame \(number) at ") == true)
    }
  }

  @Test(
    "report 5b: the clips of the report are refused",
    arguments: ["mjpeg_zero.avi", "ffv1_zero.mkv", "h264_zero.mp4", "gif_zero.gif"])
  func reported(name: String) throws {
    let path = "\(reports)/damage/\(name)"
    let error = errorNaming(path) { _ = try VideoInput(path: path).sample(.base) }
    #expect(error?.subject?.hasPrefix("frame 5 at 1.0 s") == true)
    let sampled = try VideoInput(path: path, toleratesDamage: true).sample(.base)
    let damaged = try #require(sampled.frames.damaged)
    #expect(damaged.first?.index == 5 && damaged.first?.seconds == 1)
  }

  @Test("report 5: a truncated JPEG is refused, and shown where that is tolerated")
  func truncatedJPEG() throws {
    let path = "\(reports)/stills/truncated-jpeg"
    let error = errorNaming("\(path)/0.jpg") {
      _ = try VideoInput(path: path, imagesPerSecond: 1).sample(.chat)
    }
    #expect(error?.subject == "frame 0 at 0.0 s" && error?.code == .damaged)
    let sampled = try VideoInput(path: path, imagesPerSecond: 1, toleratesDamage: true).sample(.chat)
    #expect(sampled.damages.compactMap { $0 }.count == 1)
    #expect(sampled.images[0].width == 160)
  }

  @Test(
    "report 5: pictures of other formats that are cut off are refused", arguments: ["png", "tif", "webp"])
  func truncatedPicture(ending: String) throws {
    let whole =
      ending == "png"
      ? try PNGWriter.encode(
        RGBImage(width: 64, height: 64, pixels: [UInt8](repeating: 7, count: 64 * 64 * 3)))
      : [UInt8](try Data(contentsOf: URL(filePath: "\(clipsFolder)/pictures/orientation6.\(ending)")))
    for percent in [30, 60, 90] {
      let path = try folder.write(whole.prefix(whole.count * percent / 100), as: "\(percent).\(ending)")
      // The EXIF data at the end of a WebP file is no part of the picture.
      if ending == "webp", percent > 30 { continue }
      _ = errorNaming(path) { _ = try ImageFolder.readImage(path) }
    }
  }
}

@Suite("Transport streams")
struct TransportStreamTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("report 4: parts of a stream that were put together have all their frames", arguments: [1, 2])
  func joined(number: Int) throws {
    let path = "\(reports)/transport/joined-\(number).ts"
    #expect(try decodeAll(path).count == 60)
    #expect(try VideoInput(path: path).sample(.chat).selection.indices == [0, 10, 20, 30, 40, 50, 59])
  }

  @Test("report 4: so have parts whose timestamps begin anew", arguments: ["mpeg2.ts", "hevc.ts"])
  func joinedAnew(name: String) throws {
    let part = [UInt8](try Data(contentsOf: URL(filePath: "\(clipsFolder)/codecs/\(name)")))
    let path = try folder.write(part + part + part, as: name)
    let video = try VideoFile(path: path)
    #expect(video.frameCount == 24)
    let steps = zip(video.times, video.times.dropFirst()).map { $1 - $0 }
    #expect(steps.allSatisfy { abs($0 - steps[0]) < 1e-4 })
    let images = try decodeAll(path)
    #expect(Array(images[..<8]) == Array(images[8..<16]) && Array(images[..<8]) == Array(images[16...]))
  }

  @Test("report 4b: a lost packet refuses only the pictures that need it")
  func lostPacket() throws {
    for ending in ["ts", "mp4"] {
      let path = "\(reports)/transport/one-packet-lost.\(ending)"
      #expect(try VideoInput(path: path).sample(.chat).selection.indices == [0, 24, 48, 71])
    }
    let path = "\(reports)/transport/one-packet-lost.ts"
    let error = errorNaming(path) { try VideoFile(path: path).decode(frames: [9]) { _ in } }
    #expect(error?.subject == "frame 9 at 0.375 s")
  }

  @Test("a lost packet is damage where the decoder does not tell: from there to the next keyframe")
  func lostPacketOfHEVC() throws {
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(clipsFolder)/codecs/hevc.ts")))
    // A packet of 188 bytes of the sixth picture in decoding order, which two others build on.
    bytes.removeSubrange(65 * 188..<66 * 188)
    let path = try folder.write(bytes, as: "lost.ts")
    let images = try decodeAll("\(clipsFolder)/codecs/hevc.ts")
    let video = try VideoFile(path: path, toleratesDamage: true)
    var hurt: [Int] = []
    try video.decode(frames: 0..<video.frameCount) { frame in
      if frame.damage != nil {
        hurt.append(frame.number)
      } else {
        let image = try frame.image()
        #expect(image == images[frame.number])
      }
    }
    #expect(!hurt.isEmpty && hurt.count < video.frameCount)
  }
}
