import CogTestSupport
import Foundation
import Testing

/// A benchmark made of the sample's videos in MVBench's two layouts, with the traps of the real one: tasks
/// and clips that are missing, bounds beyond the end, a broken clip, folders between, images in place of a
/// video.
struct SampleBenchmark {
  let folder: TemporaryFolder
  /// Whole videos that are there: task, name in the task's folder, where the clip lies.
  static let whole = [
    ("Action Antonym", "v09_vp9.webm", "ssv2_video"),
    ("Fine-grained Action", "v11_mpeg4.avi", "Moments_in_Time_Raw/videos"),
    ("Object Existence", "v03_h264.mp4", "data0613/clevrer/video_validation"),
    ("Scene Transition", "v22_h264.mp4", "scene_qa/scene_qa/video"),
  ]
  static let question = "Which way does the circle move?"
  static let candidates = ["left", "right", "up", "down", "still"]

  /// Where a clip of ``whole`` lies.
  func clip(_ place: Int) -> String { folder.path("old/video/\(Self.whole[place].2)/\(Self.whole[place].1)") }
  /// The folder of images.
  var images: String { folder.path("old/video/tvqa/frames_fps3_hq/show_clip_00") }

  init() throws {
    folder = try TemporaryFolder()
    for (task, name, below) in Self.whole {
      try copy(SampleModel.video(name), to: "old/video/\(below)/\(name)")
      try list(task, [Self.entry(name)])
    }
    // Of three parts one is the whole video, one lies behind its end.
    try copy(SampleModel.video("v22_h264.mp4"), to: "old/video/star/Charades_v1_480/v22_h264.mp4")
    try list(
      "Action Sequence",
      [(0.0, 1000.0), (1, 2), (500, 600)].map { Self.entry("v22_h264.mp4", bounds: $0) })
    // A clip that is cut off, one that is missing, and a folder that is.
    let data = try Data(contentsOf: URL(filePath: SampleModel.video("v03_h264.mp4")))
    try write(data.prefix(data.count / 2), to: "old/video/perception/videos/cut.mp4")
    try list("Object Shuffle", [Self.entry("cut.mp4"), Self.entry("none.mp4")])
    try list("Fine-grained Pose", [Self.entry("S001.avi")])
    try copy(Fixtures.path("videos/codecs/gif.gif"), to: "old/video/FunQA_test/test/a.gif")
    try list("Unexpected Action", [Self.entry("a.gif")])
    for (number, image) in try Self.pictures().enumerated() {
      let digits = String(number + 1)
      let name = String(repeating: "0", count: 5 - digits.count) + digits
      try write(image, to: "old/video/tvqa/frames_fps3_hq/show_clip_00/\(name).jpg")
    }
    try list("Episodic Reasoning", [Self.entry("show_clip_00", bounds: (0, 1000))])
    try single()
  }

  /// The layout with one list, in which all clips are cut.
  private func single() throws {
    var (root, meta): ([String: String], [String: Any]) = ([:], [:])
    for (task, name, below) in Self.whole {
      root[task] = "video/\(below)"
      meta[task] = [Self.entry(name)]
      try copy(SampleModel.video(name), to: "new/video/\(below)/\(name)")
    }
    try write(
      JSONSerialization.data(withJSONObject: ["root": root, "meta": meta]), to: "new/test.json")
  }

  private static func entry(_ video: String, bounds: (Double, Double)? = nil) -> [String: Any] {
    var entry: [String: Any] = [
      "video": video, "question": question, "candidates": candidates, "answer": "up",
    ]
    if let bounds { (entry["start"], entry["end"]) = bounds }
    return entry
  }

  private func list(_ task: String, _ entries: [[String: Any]]) throws {
    let name = task.lowercased().replacing(" ", with: "_").replacing("-", with: "_")
    try write(JSONSerialization.data(withJSONObject: entries), to: "old/json/\(name).json")
  }

  private func copy(_ path: String, to name: String) throws {
    try write(Data(contentsOf: URL(filePath: path)), to: name)
  }

  private func write(_ data: Data, to name: String) throws {
    let path = URL(filePath: folder.path(name))
    try FileManager.default.createDirectory(
      at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: path)
  }

  /// The frames of a video in Motion JPEG, each of which is a JPEG.
  private static func pictures() throws -> [Data] {
    let video = try Data(contentsOf: URL(filePath: Fixtures.path("videos/codecs/mjpeg.avi")))
    var (pictures, rest): ([Data], Data) = ([], video)
    while let begin = rest.range(of: Data([0xFF, 0xD8, 0xFF])),
      let end = rest.range(of: Data([0xFF, 0xD9]), in: begin.upperBound..<rest.endIndex)
    {
      pictures.append(rest[begin.lowerBound..<end.upperBound])
      rest = rest[end.upperBound...]
    }
    return pictures
  }
}
