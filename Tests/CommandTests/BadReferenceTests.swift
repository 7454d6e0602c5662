import CogTestSupport
import Foundation
import Testing

/// Damaged reference bundles, frames and question files.
@Suite struct BadReferenceTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let name = "v22_h264-direction"

  private func verify(_ references: String) throws -> [[String]] {
    let arguments = try [
      "verify", SampleModel.float.get(), "--reference", "\(references)/\(Self.name).f32.safetensors",
    ]
    return [arguments, arguments + ["--json"]]
  }

  @Test("A bad reference bundle is refused", arguments: Damage.allCases)
  func bundle(_ damage: Damage) throws {
    let references = try folder.copy("sample/references")
    try rewrite("\(references)/\(Self.name).f32.safetensors", damage.applied)
    for arguments in try verify(references) {
      try expectRefusal(
        arguments, naming: "\(Self.name).f32.safetensors", saying: damage.name, in: folder)
    }
  }

  @Test("A bad frames file beside a bundle is refused", arguments: Damage.allCases)
  func frames(_ damage: Damage) throws {
    let references = try folder.copy("sample/references")
    try rewrite("\(references)/\(Self.name).frames.safetensors", damage.applied)
    for arguments in try verify(references) {
      try expectRefusal(arguments, naming: "\(Self.name).frames.safetensors", in: folder)
    }
  }

  @Test("A flipped bit in a bundle's header is refused or a comparison, never a trap", arguments: 0..<24)
  func headerBits(_ round: Int) throws {
    let references = try folder.copy("sample/references")
    let path = "\(references)/\(Self.name).f32.safetensors"
    let place = round < 8 ? round : 8 + round * 73
    try rewrite(path) { flipping(bit: round % 7, ofByte: place, in: $0) }
    let outcome = try Command.run(verify(references)[0])
    #expect([0, 1, 2].contains(outcome.status), "byte \(place): \(outcome.errors)")
    if outcome.status == 2 { #expect(outcome.errors.contains(Self.name), "\(outcome.errors)") }
  }

  @Test("A template that does not exist, and a version to come, are named with the bundle")
  func unknownMetadata() throws {
    let references = try folder.copy("sample/references")
    let path = "\(references)/\(Self.name).f32.safetensors"
    let good = try Data(contentsOf: URL(filePath: path))
    let template = Data(#""template_version":"chat""#.utf8)
    let field = try #require(good.range(of: template))
    // As long as what it replaces, so that the header's length stays right.
    for (text, cause) in [
      (#""template_version":"khat""#, "template_version"), (#""bundle_version":"300000""#, "bundle_version"),
    ] {
      #expect(text.utf8.count == template.count)
      try rewrite(path) { _ in good[..<field.lowerBound] + Data(text.utf8) + good[field.upperBound...] }
      try expectRefusal(verify(references)[0], naming: path, saying: cause, in: folder)
    }
  }

  @Test("A flipped bit in a bundle's tap fails the comparison at that tap")
  func tapBit() throws {
    let references = try folder.copy("sample/references")
    try rewrite("\(references)/\(Self.name).f32.safetensors") { good in
      // The highest bit but one of a float32: its exponent.
      let place = try Safetensors.range(of: "model.layers.0", in: good)
      return flipping(bit: 6, ofByte: place.lowerBound + 40_003, in: good)
    }
    let outcome = try Command.run(verify(references)[1])
    #expect(outcome.status == 1, "\(outcome.errors)")
    let reference = try #require((outcome.json()["references"] as? [[String: Any]])?.first)
    #expect(reference["firstAtFault"] as? String == "model.layers.0")
  }

  @Test("A bundle that is not there is named")
  func missing() throws {
    try expectRefusal(verify(folder.path("none"))[0], naming: folder.path("none"), in: folder)
  }

  @Test("A bad question file is refused", arguments: Damage.allCases)
  func questions(_ damage: Damage) throws {
    let good = try Data(contentsOf: URL(filePath: Fixtures.path("sample/questions.json")))
    let path = try folder.write(damage.applied(to: good), as: "questions.json")
    try expectRefusal(
      [
        "eval", SampleModel.float.get(), "--questions", path, "--videos", Fixtures.path("sample/videos"),
      ], naming: path, saying: damage.name, in: folder)
  }

  @Test(
    "A question file with a wrong entry is refused with the entry and the field",
    arguments: [
      ("{}", "array"), ("[]", "no questions"), ("[1]", "entry 1"),
      (#"[{"video":"v.mp4","task":"t","question":"q"}]"#, "entry 1, answer"),
      (#"[{"video":1,"task":"t","question":"q","answer":"a"}]"#, "entry 1, video"),
      (
        #"[{"video":"v.mp4","task":"t","question":"q","answer":"a","candidates":["b"]}]"#,
        "none of the candidates"
      ),
    ])
  func entries(_ text: String, _ cause: String) throws {
    let path = try folder.write(text.utf8, as: "questions.json")
    try expectRefusal(
      ["eval", SampleModel.float.get(), "--json", "--questions", path], naming: path, saying: cause,
      in: folder)
  }

  @Test("A question about a video that is not there names the video and the question")
  func missingVideo() throws {
    let text = #"[{"video":"none.mp4","task":"t","question":"q","answer":"a"}]"#
    let path = try folder.write(text.utf8, as: "questions.json")
    try expectRefusal(
      ["eval", SampleModel.float.get(), "--questions", path, "--videos", folder.url.path],
      naming: folder.path("none.mp4"), saying: "question 1", in: folder)
  }
}
