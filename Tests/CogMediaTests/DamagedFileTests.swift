import CogBase
import CogMedia
import CogTestSupport
import Foundation
import Glibc
import Testing

@Suite("Damaged and mislabeled files")
struct DamagedFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func expectError(_ path: String, _ sampling: FrameSampling = .chat) -> CogError? {
    errorNaming(path) { _ = try VideoInput(path: path).sample(sampling) }
  }

  @Test("a file that is not there says so")
  func missing() {
    #expect(expectError(folder.path("none.mp4"))?.problem == "cannot open: No such file or directory")
  }

  @Test("an empty file says so")
  func empty() throws {
    #expect(expectError(try folder.write([], as: "empty.mp4"))?.problem == "the file is empty")
  }

  @Test(
    "zeros, text and noise are no videos",
    arguments: [
      [UInt8](repeating: 0, count: 50_000), Array("This is a note, not a video.\n".utf8),
      noise(30_000), [0], Array("<!DOCTYPE html><html></html>".utf8),
    ])
  func noVideo(bytes: [UInt8]) throws {
    let error = expectError(try folder.write(bytes, as: "clip.mp4"))
    #expect(error?.problem.contains("no video frame can be decoded") == true)
    #expect(error?.advice != nil)
  }

  @Test("bytes that only might be a video are not taken for one")
  func unlikelyFormat() throws {
    // One start code of an H.263 picture: libavformat would open this as raw H.263.
    let filler = [UInt8](repeating: 0x11, count: 2000)
    let path = try folder.write(filler + [0x00, 0x00, 0x80, 0x02, 0x0C] + filler, as: "clip.mp4")
    #expect(expectError(path)?.problem == "no video frame can be decoded: the format is not recognized")
  }

  @Test("a named pipe is refused without waiting for it")
  func namedPipe() {
    let path = folder.path("pipe.mp4")
    #expect(mkfifo(path, 0o600) == 0)
    #expect(expectError(path)?.problem == "not a regular file")
  }

  @Test("a playlist opens no other file")
  func playlist() throws {
    let clip = "\(clipsFolder)/h264_half_second.mp4"
    let concat = try folder.write(Array("ffconcat version 1.0\nfile '\(clip)'\n".utf8), as: "list.mp4")
    #expect(expectError(concat) != nil)
    let hls = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://\(clip)\n#EXT-X-ENDLIST\n"
    #expect(expectError(try folder.write(Array(hls.utf8), as: "list.m3u8")) != nil)
  }

  @Test(
    "a file that was cut off is an error in every container",
    arguments: ["h264_25fps_7s.mp4", "hevc_10bit.mkv", "vp9.webm", "mpeg4.avi", "h264_start_at_10s.mkv"])
  func truncated(name: String) throws {
    let bytes = try Data(contentsOf: URL(filePath: "\(clipsFolder)/\(name)"))
    for percent in [1, 20, 50, 80] {
      let path = try folder.write(bytes.prefix(bytes.count * percent / 100), as: "\(percent)-\(name)")
      for sampling in FrameSampling.published { #expect(expectError(path, sampling) != nil, "\(percent) %") }
    }
  }

  @Test("damage in a wanted picture is an error that names the frame")
  func damagedPicture() throws {
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(clipsFolder)/h264_70s_5fps.mp4")))
    // Media data from about the tenth second on.
    for index in 30_000..<40_000 { bytes[index] ^= 0x55 }
    let path = try folder.write(bytes, as: "clip.mp4")
    let error = expectError(path)
    #expect(error?.problem.hasPrefix("the video is damaged") == true)
    #expect(error?.subject?.hasPrefix("frame ") == true)
    // Frames before the damage are not affected by it.
    var received = 0
    try VideoFile(path: path).decode(frames: [0, 5, 10]) { _, _ in received += 1 }
    #expect(received == 3)
  }

  @Test(
    "flipped bits end in frames or in an error that names the file",
    arguments: [
      "h264_half_second.mp4", "vp9.webm", "hevc.mp4", "mpeg4.avi", "audio_only.m4a",
      "extra/program_stream.mpg",
      "extra/intra_refresh.mp4", "extra/odd_420.webm",
    ])
  func flippedBits(name: String) throws {
    let original = [UInt8](try Data(contentsOf: URL(filePath: "\(clipsFolder)/\(name)")))
    var generator = SplitMix64(seed: 2024)
    for round in 0..<16 {
      var bytes = original
      for _ in 0..<(1 << (round % 8)) {
        // Half of the flips hit the headers at the front or at the end.
        let reach = round % 2 == 0 ? bytes.count : min(1500, bytes.count)
        let offset = Int.random(in: 0..<reach, using: &generator)
        let place = round % 4 == 3 ? bytes.count - 1 - offset : offset
        bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      }
      let path = try folder.write(bytes, as: "\(round)-\((name as NSString).lastPathComponent)")
      do {
        let sampled = try VideoInput(path: path).sample(round % 2 == 0 ? .chat : .base)
        #expect(!sampled.images.isEmpty)
      } catch let error as CogError {
        #expect(error.file == path)
      }
    }
  }
}

/// Random bytes, the same in every run.
private func noise(_ count: Int) -> [UInt8] {
  var generator = SplitMix64(seed: UInt64(count))
  return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
}
