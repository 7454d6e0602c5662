import CogBase
import CogCalibrate
import CogEvaluate
import CogTestSupport
import Crypto
import Foundation
import Testing

@Suite struct CalibrationSetTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "calibration-\(UUID())")

  /// A folder with files of these names and contents.
  private func makeFolder(_ files: [(String, String)]) throws -> String {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
    return folder.path
  }

  private func set(_ json: String, videos: String) throws -> CalibrationSet {
    try Array(json.utf8).withUnsafeBytes {
      CalibrationSet(try QuestionSet(json: $0, file: "questions.json", videoFolder: videos))
    }
  }

  @Test("Each video of a question set comes once, with all of its questions")
  func questions() throws {
    let set = try set(
      """
      [{"video": "b.mp4", "task": "t", "question": "One?", "answer": "x"},
       {"video": "a.mp4", "task": "t", "question": "Two?", "answer": "x"},
       {"video": "b.mp4", "task": "t", "question": "Three?", "answer": "x"}]
      """, videos: "clips")
    #expect(
      set.clips == [
        .init(name: "b.mp4", path: "clips/b.mp4", questions: ["One?", "Three?"]),
        .init(name: "a.mp4", path: "clips/a.mp4", questions: ["Two?"]),
      ])
    #expect(set.promptCount == 3)
  }

  @Test("A folder's files come by name with the built-in questions; hidden files and folders are left out")
  func folders() throws {
    let path = try makeFolder([("b.mp4", "b"), ("B.mp4", "c"), (".hidden", "h"), ("a.webm", "a")])
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(
      at: folder.appending(path: "more"), withIntermediateDirectories: true)
    let set = try CalibrationSet(folder: path)
    #expect(set.clips.map(\.name) == ["B.mp4", "a.webm", "b.mp4"])
    #expect(set.clips.allSatisfy { $0.questions == CalibrationSet.builtInQuestions })
    #expect(set.clips[1].path == path + "/a.webm")
  }

  @Test("A folder without files is refused, and so is what is no folder")
  func empty() throws {
    let path = try makeFolder([])
    defer { try? FileManager.default.removeItem(at: folder) }
    let error = #expect(throws: CogError.self) { try CalibrationSet(folder: path) }
    #expect(error?.file == path)
    #expect(throws: CogError.self) { try CalibrationSet(folder: path + "/none") }
  }

  @Test("The digest is the SHA-256 of names, contents and questions as the format has it")
  func digest() throws {
    let path = try makeFolder([("a.mp4", "abc")])
    defer { try? FileManager.default.removeItem(at: folder) }
    let set = try set(
      """
      [{"video": "a.mp4", "task": "t", "question": "Say \\"x\\"?", "answer": "x"},
       {"video": "gone.mp4", "task": "t", "question": "Why?", "answer": "x"}]
      """, videos: path)
    // The SHA-256 of "abc" is an example of FIPS 180-4.
    let text = """
      cogvlm calibration set 1
      video "a.mp4" 3 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
      ask "Say \\"x\\"?"
      video "gone.mp4" missing
      ask "Why?"

      """
    let expected = SHA256.hash(data: Data(text.utf8)).map { String(format: "%02x", $0) }.joined()
    #expect(try set.digest() == expected)
  }

  @Test("The digest follows the contents, the questions and their order, not the folder")
  func digestChanges() throws {
    let path = try makeFolder([("a.mp4", "abc"), ("b.mp4", "abd")])
    defer { try? FileManager.default.removeItem(at: folder) }
    func digest(_ names: [String], _ questions: [String] = ["One?"]) throws -> String {
      try set(
        "["
          + names.flatMap { name in
            questions.map {
              #"{"video": "\#(name)", "task": "t", "question": "\#($0)", "answer": "x"}"#
            }
          }.joined(separator: ",") + "]", videos: path
      ).digest()
    }
    let first = try digest(["a.mp4", "b.mp4"])
    #expect(try digest(["b.mp4", "a.mp4"]) != first)
    #expect(try digest(["a.mp4", "b.mp4"], ["Two?"]) != first)
    let moved = folder.deletingLastPathComponent().appending(path: "moved-\(UUID())")
    try FileManager.default.copyItem(at: folder, to: moved)
    defer { try? FileManager.default.removeItem(at: moved) }
    #expect(try CalibrationSet(folder: moved.path).digest() == CalibrationSet(folder: path).digest())
    try Data("abx".utf8).write(to: folder.appending(path: "b.mp4"))
    #expect(try digest(["a.mp4", "b.mp4"]) != first)
  }
}
