import CogTestSupport
import Foundation
import Testing

/// Every id of `eos_token_id` ends an answer (report 7 of ../shared/reports/REPORTS.md).
@Suite("Ids that end an answer (report 7)")
struct EndOfTextTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The sample checkpoint with other settings; its answer to the question below is 709, 3841.
  private func checkpoint(config: String?, generation: String?) throws -> String {
    let path = folder.path("checkpoint")
    try? FileManager.default.removeItem(atPath: path)
    try FileManager.default.copyItem(atPath: Fixtures.path("sample/checkpoint"), toPath: path)
    for (name, ids) in [("config.json", config), ("generation_config.json", generation)] {
      guard let ids else { continue }
      let url = URL(filePath: "\(path)/\(name)")
      let text = try String(contentsOf: url, encoding: .utf8)
      let changed = text.replacing("\"eos_token_id\": 3841", with: "\"eos_token_id\": \(ids)")
      try #require(changed != text)
      try Data(changed.utf8).write(to: url)
    }
    return path
  }

  private func native(_ source: String, _ command: String = "convert") throws -> String {
    let path = folder.path("\(UUID().uuidString).cogvlm")
    let outcome = try Command.run([command, source, "-o", path])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return path
  }

  private func answer(_ model: String) throws -> [Int] {
    let outcome = try Command.run([
      "ask", model, "--json", "--video", SampleModel.video("v22_h264.mp4"),
      "Which way does the circle move?",
    ])
    let document = try outcome.json()
    #expect(document["ending"] as? String == "endOfText")
    return try #require(document["ids"] as? [Int])
  }

  @Test(
    "each id of the list of either file ends an answer, in every order",
    arguments: [
      ("[3841, 709]", nil), ("[709, 3841]", nil), (nil, "709"), (nil, "[3837, 709]"),
      ("[3841, 3837]", "[3841, 709]"),
    ] as [(String?, String?)])
  func union(_ config: String?, _ generation: String?) throws {
    #expect(try answer(native(checkpoint(config: config, generation: generation))) == [709])
  }

  @Test("ids that the answer does not come to change nothing")
  func others() throws {
    #expect(try answer(native(checkpoint(config: "[3837, 3841]", generation: "3836"))) == [709, 3841])
  }

  @Test("the ids go through every kind of file, and back to a checkpoint")
  func carried() throws {
    let first = try native(checkpoint(config: nil, generation: "[709, 3841]"))
    let metadata = try #require(
      Command.run(["inspect", first, "--json"]).json()["metadata"] as? [String: String])
    #expect(metadata["endOfText"] == "3841, 709")
    #expect(metadata["source generation_config.json"] != nil)
    let back = folder.path("back")
    let outcome = try Command.run(["convert", first, "--to", "safetensors", "-o", back])
    try #require(outcome.status == 0, "\(outcome.errors)")
    for source in [first, back] {
      for command in ["convert", "quantize"] { #expect(try answer(native(source, command)) == [709]) }
    }
  }

  @Test("a generation_config.json that cannot be used is refused with its name")
  func refusal() throws {
    for (text, reason) in [("{", "JSON"), ("{\"eos_token_id\": 999999}", "vocab_size"), ("<html>", "HTML")] {
      let path = try checkpoint(config: nil, generation: nil)
      try Data(text.utf8).write(to: URL(filePath: "\(path)/generation_config.json"))
      for arguments in [["convert", path, "-o", folder.path("x")], ["inspect", "--check", path]] {
        try expectRefusal(arguments, naming: "\(path)/generation_config.json", saying: reason, in: folder)
      }
    }
  }
}
