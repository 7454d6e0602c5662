import CogTestSupport
import Foundation
import Testing

/// The sample model as native files, made once by the real commands.
enum SampleModel {
  private static let folder = Result { try SharedFolder() }

  /// A temporary folder that all tests read from once its files are there.
  private final class SharedFolder: @unchecked Sendable {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }
  }

  /// The float file that `cogvlm convert` makes.
  static let float = Result { try make("convert", "sample.cogvlm") }
  /// The int4 file that `cogvlm quantize` makes.
  static let int4 = Result { try make("quantize", "sample.int4.cogvlm") }
  /// The int8 file that `cogvlm quantize` makes.
  static let int8 = Result { try make("quantize", "sample.int8.cogvlm", ["--preset", "int8"]) }

  /// What `cogvlm calibrate` measures of one video.
  static let calibration = Result {
    let path = try folder.get().folder.path("sample.cogcal")
    let list = try folder.get().folder.write(
      #"[{"video":"v22_h264.mp4","task":"t","question":"What color is the circle?","answer":"x"}]"#.utf8,
      as: "calibration.json")
    let outcome = try Command.run([
      "calibrate", float.get(), "--mode", "float32", "--questions", list, "--videos",
      Fixtures.path("sample/videos"), "-o", path,
    ])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return path
  }

  private static func make(_ command: String, _ name: String, _ options: [String] = []) throws -> String {
    let path = try folder.get().folder.path(name)
    let outcome = try Command.run([command, Fixtures.path("sample/checkpoint"), "-o", path] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return path
  }

  static func video(_ name: String) -> String { Fixtures.path("sample/videos/\(name)") }
}
