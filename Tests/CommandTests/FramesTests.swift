import CogTestSupport
import Foundation
import Testing

/// `cogvlm frames` on videos and on folders of images.
@Suite struct FramesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The frames that the published sampling picks, from the reference data of the clips.
  private static func expected(_ clip: String, _ template: String) throws -> [Int] {
    let text = try Data(contentsOf: URL(filePath: Fixtures.path("videos/frames.json")))
    let clips = try #require(try JSONSerialization.jsonObject(with: text) as? [[String: Any]])
    let entry = try #require(clips.first { $0["file"] as? String == clip })
    let sampling = try #require(entry[template] as? [String: Any])
    return try #require(sampling["indices"] as? [Int])
  }

  private func frames(_ input: String, _ options: [String] = []) throws -> [String: Any] {
    let outcome = try Command.run(["frames", input, "-o", folder.path("frames"), "--json"] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors == "")
    return try outcome.json()
  }

  /// The lines of the table without its header, in cells.
  private func table() throws -> [[String]] {
    let lines = try String(contentsOf: URL(filePath: folder.path("frames/frames.csv")), encoding: .utf8)
      .split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    #expect(
      lines.first == ["position", "index", "seconds", "frame", "prepared", "frame_crc32", "prepared_crc32"])
    return Array(lines.dropFirst())
  }

  private func isPNG(_ path: String, width: Int, height: Int) throws -> Bool {
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    let number = { (at: Int) in bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
    return bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) && number(16) == width && number(20) == height
  }

  @Test("The chosen frames, the prepared images and the table are written", arguments: ["chat", "base"])
  func video(_ template: String) throws {
    let clip = "h264_25fps_7s.mp4"
    let document = try frames(Fixtures.path("videos/\(clip)"), ["--template", template])
    let expected = try Self.expected(clip, template)
    #expect(document["indices"] as? [Int] == expected)
    let (width, height) = (document["width"] as? Int ?? 0, document["height"] as? Int ?? 0)
    let table = try table()
    #expect(table.map { $0[1] } == expected.map(String.init))
    let times = try #require(document["times"] as? [Double])
    #expect(zip(table, times).allSatisfy { abs((Double($0[2]) ?? -1) - $1) < 1e-5 })
    for row in table {
      #expect(try isPNG(folder.path("frames/\(row[3])"), width: width, height: height))
      #expect(try isPNG(folder.path("frames/\(row[4])"), width: 224, height: 224))
    }
    let files = try #require(document["files"] as? [String])
    let written = try FileManager.default.contentsOfDirectory(atPath: folder.path("frames")).sorted()
    #expect(files.map { URL(filePath: $0).lastPathComponent }.sorted() == written)
    #expect(written.count == 2 * expected.count + 1)
  }

  @Test("A folder of images is a video with a rate")
  func images() throws {
    let images = try ImageFolders.make(in: folder)
    let document = try frames(images, ["--fps", "0.5", "--size", "112"])
    // Three images, two seconds apart, for the seconds 0 to 4; on a tie the first is taken.
    #expect(document["indices"] as? [Int] == [0, 0, 1, 1, 2])
    #expect(document["averageFrameRate"] as? Double == 0.5)
    let table = try table()
    #expect(table.map { $0[2] } == ["0.0", "0.0", "2.0", "2.0", "4.0"])
    #expect(try isPNG(folder.path("frames/prepared-04.png"), width: 112, height: 112))
    let original = try Data(contentsOf: URL(filePath: "\(images)/frame-01.png"))
    #expect(try Data(contentsOf: URL(filePath: folder.path("frames/frame-02.png"))) == original)
  }

  @Test("report 14: the number of frames is a choice apart from the template", arguments: ["uniform:8", "8"])
  func uniform(_ rule: String) throws {
    let document = try frames(
      Fixtures.path("videos/h264_25fps_7s.mp4"), ["--template", "chat", "--frames", rule])
    #expect(document["indices"] as? [Int] == [10, 32, 54, 75, 97, 119, 140, 162])
    for rule in ["uniform:0", "some", "1025"] {
      let outcome = try Command.run([
        "frames", "--frames", rule, "-o", folder.path("none"), Fixtures.path("videos/h264_25fps_7s.mp4"),
      ])
      #expect(outcome.status == 64 && outcome.errors.contains("--frames"), "\(outcome.errors)")
    }
  }

  @Test("A second run replaces the files of the first")
  func replacement() throws {
    _ = try frames(SampleModel.video("v03_h264.mp4"))
    let first = try folder.inventory().filter { $0.key.hasPrefix("frames/") }
    let document = try frames(SampleModel.video("v22_h264.mp4"))
    let indices = try #require(document["indices"] as? [Int])
    #expect(try table().map { $0[1] } == indices.map(String.init))
    let second = try folder.inventory()
    #expect(first["frames/frame-00.png"] != second["frames/frame-00.png"])
    let again = FolderContents(folder.path("frames"))
    _ = try frames(SampleModel.video("v22_h264.mp4"))
    #expect(FolderContents(folder.path("frames")) == again)
  }

  @Test("Without --json the table is text")
  func text() throws {
    let outcome = try Command.run([
      "frames", SampleModel.video("v22_h264.mp4"), "-o", folder.path("frames"),
    ])
    #expect(outcome.errors == "")
    let rows = outcome.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(rows.first == ["index", "seconds"])
    #expect(rows.contains { $0 == ["0", "0.0"] })
    #expect(outcome.output.contains("7 files written to \(folder.path("frames"))"))
  }
}

/// The bytes of all files of a folder.
private struct FolderContents: Equatable {
  let files: [String: Data?]

  init(_ path: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    files = Dictionary(
      uniqueKeysWithValues: names.map { ($0, FileManager.default.contents(atPath: "\(path)/\($0)")) })
  }
}
