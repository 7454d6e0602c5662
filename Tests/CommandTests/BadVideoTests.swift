import CogTestSupport
import Foundation
import Testing

/// Damaged videos and folders of images through every command that decodes.
@Suite struct BadVideoTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let bundle = Fixtures.path("sample/references/v22_h264-direction.f32.safetensors")

  private func readers(_ video: String) throws -> [[String]] {
    let model = try SampleModel.float.get()
    return [
      ["frames", video, "-o", folder.path("frames")],
      ["frames", "--json", video, "-o", folder.path("frames")],
      ["ask", model, "--video", video, "What?"],
      ["verify", model, "--video", video, "--reference", Self.bundle],
    ]
  }

  @Test("A bad video is refused", arguments: Damage.allCases)
  func video(_ damage: Damage) throws {
    let good = try Data(contentsOf: URL(filePath: SampleModel.video("v22_h264.mp4")))
    let path = try folder.write(damage.applied(to: good), as: "clip.mp4")
    for arguments in try readers(path) {
      // verify has its own way to the decoder, which names file and cause in the decoder's words.
      let cause = arguments[0] == "verify" ? nil : damage.name
      try expectRefusal(arguments, naming: path, saying: cause, in: folder)
    }
  }

  @Test("A flipped bit in a video is refused or decoded, never a trap", arguments: 0..<16)
  func bits(_ round: Int) throws {
    let good = try Data(contentsOf: URL(filePath: SampleModel.video("v22_h264.mp4")))
    let path = try folder.write(
      flipping(bit: round % 8, ofByte: round * good.count / 16, in: good), as: "clip.mp4")
    let outcome = try Command.run(["frames", path, "-o", folder.path("frames")])
    #expect([0, 2].contains(outcome.status), "\(outcome.errors)")
    if outcome.status == 2 { #expect(try folder.contents() == ["clip.mp4"]) }
  }

  @Test("A cut-off download and a file without pictures are refused")
  func otherFiles() throws {
    for name in ["truncated.mp4", "audio_only.m4a"] {
      let path = Fixtures.path("videos/\(name)")
      for arguments in try readers(path) { try expectRefusal(arguments, naming: path, in: folder) }
    }
  }

  @Test("A bad image in a folder is refused", arguments: Damage.allCases)
  func image(_ damage: Damage) throws {
    let images = try ImageFolders.make(in: folder)
    try rewrite("\(images)/frame-01.png") { good in
      damage.applied(to: good)
    }
    for arguments in [
      ["frames", images, "--fps", "1", "-o", folder.path("frames")],
      ["ask", try SampleModel.float.get(), "--video", images, "--fps", "1", "What?"],
    ] { try expectRefusal(arguments, naming: "frame-01.png", in: folder) }
  }

  @Test("A video named like an image is no image")
  func videoAmongImages() throws {
    let images = try ImageFolders.make(in: folder)
    try rewrite("\(images)/frame-01.png") { _ in
      try Data(contentsOf: URL(filePath: SampleModel.video("v22_h264.mp4")))
    }
    try expectRefusal(
      ["frames", images, "--fps", "1", "-o", folder.path("frames")], naming: "frame-01.png",
      saying: "this is no image", in: folder)
  }

  @Test("An empty folder and a folder without a rate are refused")
  func folders() throws {
    let images = try ImageFolders.make(in: folder)
    try FileManager.default.createDirectory(atPath: folder.path("none"), withIntermediateDirectories: false)
    let out = folder.path("frames")
    let clip = SampleModel.video("v22_h264.mp4")
    try expectRefusal(
      ["frames", clip, "--fps", "1", "-o", out], naming: clip, saying: "(--fps)", in: folder)
    try expectRefusal(["frames", images, "-o", out], naming: images, saying: "--fps", in: folder)
    try expectRefusal(
      ["frames", folder.path("none"), "--fps", "1", "-o", out], naming: folder.path("none"), in: folder)
  }

  @Test("reports 5, 5b: a damaged picture is refused, and shown and listed where that is tolerated")
  func tolerated() throws {
    let video = Fixtures.path("reports/damage/mjpeg_zero.avi")
    let out = folder.path("frames")
    try expectRefusal(
      ["frames", video, "-o", out], naming: video, saying: "frame 5 at 1.0 s: the video is damaged",
      in: folder)
    let outcome = try Command.run(["frames", video, "-o", out, "--tolerate-damage", "--json"])
    #expect(outcome.status == 0)
    #expect(outcome.errors.hasPrefix("warning: \(video): frame 5 at 1.0 s: the picture is damaged"))
    let damaged = try #require(try outcome.json()["damagedFrames"] as? [[String: Any]])
    #expect(damaged.map { $0["index"] as? Int } == [5])
  }

  @Test("A clip is only asked about where its frames fit the context")
  func tooManyFrames() throws {
    let clip = SampleModel.video("v22_h264.mp4")
    try expectRefusal(
      ["ask", SampleModel.float.get(), "--video", clip, "--frames", "900", "What?"], naming: clip,
      saying: "Take fewer with --frames", in: folder)
  }

  @Test("A folder that cannot be made is named")
  func output() throws {
    let video = SampleModel.video("v22_h264.mp4")
    try expectRefusal(
      ["frames", video, "-o", folder.path("none/frames")], naming: folder.path("none/frames"), in: folder)
    let file = try folder.write("text".utf8, as: "file")
    try expectRefusal(["frames", video, "-o", file], naming: file, in: folder)
  }
}

/// Folders of images made from the sample's frames.
enum ImageFolders {
  /// Three PNG files, `frame-00.png` to `frame-02.png`: what the model is shown of a clip.
  static func make(in folder: TemporaryFolder) throws -> String {
    let outcome = try Command.run([
      "frames", SampleModel.video("v22_h264.mp4"), "-o", folder.path("images"),
    ])
    try #require(outcome.status == 0, "\(outcome.errors)")
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path("images"))
    where !name.hasPrefix("frame-") {
      try FileManager.default.removeItem(atPath: folder.path("images/\(name)"))
    }
    return folder.path("images")
  }
}
