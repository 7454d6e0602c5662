import CogTestSupport
import Foundation
import Testing

/// `cogvlm quantize --method gptq`: options, summary, what the file says, and refusals.
@Suite struct CalibratedQuantizeTests {
  private let folder: TemporaryFolder
  private static let source = Fixtures.path("sample/checkpoint")
  private static let questions = Fixtures.path("sample/questions.json")

  init() throws { folder = try TemporaryFolder() }

  private func run(_ options: [String]) throws -> Program.Outcome {
    try Command.run(["quantize", Self.source, "-o", folder.path("out.cogvlm")] + options)
  }

  @Test("The file says what it was calibrated with, inspect shows it, and it answers")
  func wholeWay() throws {
    let outcome = try run([
      "--method", "gptq", "--calibration-questions", Self.questions, "--only", "v22*", "--damping", "0.05",
      "--json",
    ])
    try #require(outcome.status == 0, "\(outcome.errors)")
    #expect(try folder.contents() == ["out.cogvlm"])
    let inspection = try Command.run(["inspect", folder.path("out.cogvlm"), "--metadata", "--json"])
    let metadata = try #require(inspection.json()["metadata"] as? [String: String])
    #expect(metadata["method"]?.hasPrefix("GPTQ") == true)
    #expect(metadata["recipe.calibration.videos"] == "1" && metadata["recipe.calibration.damping"] == "0.05")
    #expect(metadata["recipe.calibration.set"]?.count == 64)
    let answer = try Command.run([
      "ask", folder.path("out.cogvlm"), "--video", Fixtures.path("sample/videos/v22_h264.mp4"),
      "What color is the background?",
    ])
    #expect(answer.status == 0)
    let check = try Command.run(["inspect", "--check", folder.path("out.cogvlm")])
    #expect(check.status == 0, "\(check.errors)")
  }

  @Test(
    "What does not go together is wrong usage",
    arguments: [
      ["--damping", "0.1"], ["--videos", "x"], ["--method", "gptq"], ["--split", "1/2"],
      ["--method", "gptq", "--videos", "x", "--damping", "0"],
      ["--method", "gptq", "--videos", "x", "--text-weight", "-1"],
      ["--method", "gptq", "--videos", "x", "--keep-non-finite"],
    ])
  func usage(options: [String]) throws {
    let outcome = try run(options)
    #expect(outcome.status == 64, "\(outcome.errors)")
    #expect(try folder.contents() == [])
  }

  @Test("What a calibration is made of is not written over, which is known before anything is decoded")
  func inputs() throws {
    let measured = folder.path("c.cogcal")
    try FileManager.default.copyItem(atPath: SampleModel.calibration.get(), toPath: measured)
    try FileManager.default.createDirectory(
      atPath: folder.path("videos"), withIntermediateDirectories: false)
    let clip = try folder.write("no video".utf8, as: "videos/clip.mp4")
    let questions = try folder.write(
      #"[{"video": "clip.mp4", "task": "t", "question": "q", "answer": "a"}]"#.utf8, as: "q.json")
    let cases: [(options: [String], inputs: [String])] = [
      (["--calibration", measured], [measured]),
      (["--calibration", measured, "--target-bits", "6"], [measured]),
      (
        [
          "--method", "gptq", "--calibration", measured, "--target-bits", "6", "--videos",
          folder.path("videos"),
        ], [measured, clip]
      ),
      (["--method", "gptq", "--calibration-questions", questions], [questions, clip]),
      (["--method", "gptq", "--videos", folder.path("videos")], [clip]),
    ]
    for (options, inputs) in cases {
      for place in inputs {
        try expectRefusal(
          ["quantize", Self.source, "-o", place] + options, naming: place,
          saying: "one of the files that are read", in: folder)
      }
    }
    let part = folder.path("x.part")
    try FileManager.default.moveItem(atPath: measured, toPath: part)
    try expectRefusal(
      ["quantize", Self.source, "-o", folder.path("x"), "--calibration", part], naming: part,
      saying: "unfinished work would lie on", in: folder)
  }

  @Test("Activations lie beside the part where a link leads, and take nobody's place there")
  func activations() throws {
    let foreign = "far/out.part.activations"
    try FileManager.default.createDirectory(
      atPath: folder.path(foreign), withIntermediateDirectories: true)
    _ = try folder.write("mine".utf8, as: foreign + "/stage-3")
    let link = folder.path("link")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "far/out")
    try expectRefusal(
      ["quantize", Self.source, "-o", link, "--method", "gptq", "--calibration-questions", Self.questions],
      naming: folder.path(foreign), saying: "stage-3", in: folder)
  }

  @Test("A folder without videos, and videos that are none, are refused by name, and nothing is left")
  func noVideos() throws {
    let empty = folder.path("empty")
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
    let none = try run(["--method", "gptq", "--videos", empty])
    #expect(none.status == 2 && none.errors.contains(empty))
    try Data("no video".utf8).write(to: URL(filePath: empty + "/clip.mp4"))
    let broken = try run(["--method", "gptq", "--videos", empty])
    #expect(broken.status == 2 && broken.errors.contains("clip.mp4"))
    #expect(try folder.contents() == ["empty"])
  }
}
