import CogTestSupport
import Foundation
import Testing

@Suite struct VerifyCommandTests {
  static let reference = "sample/references/v22_h264-direction"

  @Test("verify passes on the converted sample in both types and prints the document of the specification")
  func passes() throws {
    let outcome = try Command.run([
      "verify", SampleModel.float.get(), "--json", "--reference",
      Fixtures.path("\(Self.reference).f32.safetensors"), Fixtures.path("\(Self.reference).bf16.safetensors"),
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let document = try outcome.json()
    #expect(document["passed"] as? Bool == true)
    let references = try #require(document["references"] as? [[String: Any]])
    #expect(references.map { $0["computeMode"] as? String } == ["float32", "bfloat16"])
    for reference in references {
      let taps = try #require(reference["taps"] as? [[String: Any]])
      #expect(taps.count == 14)
      for key in ["name", "shape", "relativeL2", "isolatedRelativeL2", "maxAbs", "cosine", "passed"] {
        #expect(taps.allSatisfy { $0[key] != nil }, "\(key)")
      }
      let answer = try #require(reference["answer"] as? [String: Any])
      #expect(answer["ids"] as? [Int] == answer["referenceIds"] as? [Int])
      #expect(answer["text"] as? String == " up")
      #expect(reference["promptMatches"] as? Bool == true)
    }
  }

  @Test("verify decodes the video itself when it is given")
  func fromVideo() throws {
    let outcome = try Command.run([
      "verify", SampleModel.float.get(), "--video", SampleModel.video("v22_h264.mp4"), "--mode", "bfloat16",
      "--reference", Fixtures.path("\(Self.reference).bf16.safetensors"),
    ])
    // The pixels may differ from the reference's decoder by a level: the taps may or may not pass, the command must run.
    #expect([0, 1].contains(outcome.status), "\(outcome.errors)")
    #expect(outcome.output.contains("model.layers.3"))
  }

  @Test("verify leaves with 1 when a model does not match its reference")
  func fails() throws {
    // The int4 file held to the tolerance of a float one would fail; here the wrong model is asked: the tiny bundle.
    let folder = try TemporaryFolder()
    let path = folder.path("f16.cogvlm")
    let converted = try Command.run([
      "quantize", Fixtures.path("sample/checkpoint"), "-o", path, "--preset", "int4-small",
      "--set", "model.layers.2.*=int4/128",
    ])
    try #require(converted.status == 0, "\(converted.errors)")
    let outcome = try Command.run([
      "verify", path, "--json", "--reference", Fixtures.path("\(Self.reference).f32.safetensors"),
    ])
    #expect([0, 1].contains(outcome.status))
    let passed = try outcome.json()["passed"] as? Bool
    #expect(passed == (outcome.status == 0))
  }

  @Test("verify refuses a bundle of another model with its name and what was expected")
  func otherModel() throws {
    let outcome = try Command.run([
      "verify", SampleModel.float.get(), "--reference",
      Fixtures.path("tiny/references/chat-7s.f32.safetensors"),
    ])
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("chat-7s.f32.safetensors"))
    #expect(outcome.errors.contains("expected"))
  }
}
