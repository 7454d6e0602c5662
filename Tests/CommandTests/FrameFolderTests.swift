import CogTestSupport
import Foundation
import Testing

/// What `cogvlm frames` may write over, and its folder as a video: reports 9 and 9b.
@Suite struct FrameFolderTests {
  private let folder: TemporaryFolder
  private static let (short, long) = (SampleModel.video("v22_h264.mp4"), SampleModel.video("v03_h264.mp4"))

  init() throws { folder = try TemporaryFolder() }

  @discardableResult
  private func frames(_ input: String, _ options: [String] = [], to name: String = "out") throws -> [String:
    Any]
  {
    let outcome = try Command.run(["frames", input, "-o", folder.path(name), "--json"] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try outcome.json()
  }

  /// The bytes of everything in a folder.
  private func contents(_ name: String) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path(name))
    return try Dictionary(
      uniqueKeysWithValues: names.map {
        ($0, try Data(contentsOf: URL(filePath: folder.path("\(name)/\($0)"))))
      })
  }

  private func expectUnchanged(
    _ arguments: [String], in name: String, naming file: String, saying cause: String
  ) throws {
    let before = try contents(name)
    try expectRefusal(arguments, naming: file, saying: cause, in: folder)
    #expect(try contents(name) == before, "\(arguments)")
  }

  @Test("The user's own pictures are never written over, as the folder itself or one of its files (report 9)")
  func ownPictures() throws {
    let images = try ImageFolders.make(in: folder)
    try expectUnchanged(
      ["frames", images, "--fps", "2", "-o", images], in: "images", naming: images, saying: "that are read")
    try expectUnchanged(
      ["frames", images, "--fps", "2", "-o", images, "--force"], in: "images", naming: images,
      saying: "that are read")
    let one = "\(images)/frame-00.png"
    try expectUnchanged(["frames", one, "-o", images], in: "images", naming: one, saying: "that are read")
    try expectUnchanged(
      ["frames", one, "-o", images, "--force"], in: "images", naming: one, saying: "that are read")
    try expectUnchanged(
      ["frames", Self.long, "-o", images], in: "images", naming: one, saying: "--force")
    try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "images")
    try expectUnchanged(
      ["frames", images, "--fps", "2", "-o", folder.path("link")], in: "images", naming: "link",
      saying: "that are read")
  }

  @Test(
    "What an earlier run wrote is replaced, or removed where frames are fewer; all else stays (report 9)"
  )
  func earlier() throws {
    try frames(Self.short)
    let expected = try contents("out")
    try frames(Self.long)
    #expect(try contents("out").count > expected.count)
    _ = try folder.write("mine".utf8, as: "out/notes.txt")
    try frames(Self.short)
    var found = try contents("out")
    #expect(found.removeValue(forKey: "notes.txt") == Data("mine".utf8))
    #expect(found == expected)
    // A picture that was changed since is the user's.
    let changed = try folder.write("changed".utf8, as: "out/prepared-01.png")
    try expectUnchanged(
      ["frames", Self.long, "-o", folder.path("out")], in: "out", naming: changed, saying: "--force")
    try frames(Self.short, ["--force"])
    found = try contents("out")
    #expect(found.removeValue(forKey: "notes.txt") != nil && found == expected)
    // A changed picture that no new frame takes the place of stays.
    try frames(Self.long)
    let last = try #require(try contents("out").keys.filter { $0.hasPrefix("frame-") }.max())
    _ = try folder.write("changed".utf8, as: "out/\(last)")
    try frames(Self.short)
    #expect(try contents("out")[last] == Data("changed".utf8))
  }

  @Test("A table that is no table of frames, and things that are no files, are refused (reports 1 and 9)")
  func strange() throws {
    let out = folder.path("out")
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: false)
    for table in [
      "my,table\n1,2\n", "", "position,index,seconds,frame,prepared\n0,0,0.0,frame-00.png,prepared-00.png\n",
      "position,index,seconds,frame,prepared,frame_crc32,prepared_crc32\n0,0,0.0,../a,b,0,0\n",
    ] {
      _ = try folder.write(table.utf8, as: "out/frames.csv")
      try expectUnchanged(
        ["frames", Self.short, "-o", out], in: "out", naming: "frames.csv", saying: "--force")
    }
    try frames(Self.short, ["--force"])
    for name in ["frames.csv", "frame-01.png", "prepared-02.png"] {
      let path = "\(out)/\(name)"
      try FileManager.default.removeItem(atPath: path)
      #expect(mkfifo(path, 0o600) == 0)
      for options in [[], ["--force"]] {
        let outcome = try Command.run(["frames", Self.short, "-o", out] + options)
        #expect(outcome.status == 2 && outcome.errors.contains(path), "\(outcome.errors)")
        var status = stat()
        #expect(lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
      }
      try FileManager.default.removeItem(atPath: path)
      try frames(Self.short, ["--force"])
    }
    // A link among the files is followed like any other.
    let mine = try folder.write("mine".utf8, as: "mine")
    try FileManager.default.removeItem(atPath: "\(out)/frame-00.png")
    try FileManager.default.createSymbolicLink(atPath: "\(out)/frame-00.png", withDestinationPath: "../mine")
    try expectRefusal(
      ["frames", Self.short, "-o", out], naming: "frame-00.png", saying: "--force", in: folder)
    #expect(try Data(contentsOf: URL(filePath: mine)) == Data("mine".utf8))
  }

  @Test("A folder that frames wrote is a video of its frames, once each (report 9b)")
  func asVideo() throws {
    let indices = try #require(try frames(Self.short)["indices"] as? [Int])
    let again = try frames(folder.path("out"), ["--fps", "1"], to: "again")
    #expect(again["frameCount"] as? Int == indices.count)
    let (first, second) = (try contents("out"), try contents("again"))
    for name in first.keys where name.hasSuffix(".png") { #expect(first[name] == second[name], "\(name)") }
    // A user's pictures beside them count, and a table of an earlier version says it too.
    try FileManager.default.copyItem(
      atPath: folder.path("out/frame-00.png"), toPath: folder.path("out/prepared by me.png"))
    let table = try #require(first["frames.csv"])
    let lines = String(decoding: table, as: UTF8.self).split(separator: "\n")
    let old = lines.map { $0.split(separator: ",").prefix(5).joined(separator: ",") + "\n" }.joined()
    _ = try folder.write(old.utf8, as: "out/frames.csv")
    let more = try frames(folder.path("out"), ["--fps", "1"], to: "more")
    #expect(more["frameCount"] as? Int == indices.count + 1)
  }
}
