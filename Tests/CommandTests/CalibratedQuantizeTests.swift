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
