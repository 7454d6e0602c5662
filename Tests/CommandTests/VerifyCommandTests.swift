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
      "verify", SampleModel.float.get(), "--json", "--video", SampleModel.video("v22_h264.mp4"), "--mode",
      "bfloat16", "--reference", Fixtures.path("\(Self.reference).bf16.safetensors"),
    ])
    let reference = try #require((outcome.json()["references"] as? [[String: Any]])?.first)
    #expect(outcome.status == (reference["passed"] as? Bool == true ? 0 : 1), "\(outcome.errors)")
    // Pixels may differ from the reference's decoder by a level: more than rounding, far less than another
    // frame.
    let taps = try #require(reference["taps"] as? [[String: Any]])
    #expect(taps.allSatisfy { ($0["relativeL2"] as? Double ?? 1) < 0.05 })
    #expect((reference["answer"] as? [String: Any])?["passed"] as? Bool == true)
    // Another clip is caught, at the first tap.
    let other = try Command.run([
      "verify", SampleModel.float.get(), "--json", "--video", SampleModel.video("v21_h264.mp4"),
      "--reference", Fixtures.path("\(Self.reference).bf16.safetensors"),
    ])
    #expect(other.status != 0)
  }

  /// A native file of the tiny model with one tensor's bytes changed, made by the real command.
  private func broken(
    _ tensor: String, in folder: TemporaryFolder, _ change: (inout Data, [Int]) -> Void
  ) throws -> String {
    let source = folder.path("broken")
    try Safetensors(folder: Fixtures.path("tiny/checkpoint")).changing(tensor, change)
      .write(toFolder: source, with: "tiny/checkpoint")
    let outcome = try Command.run(["convert", source, "-o", folder.path("broken.cogvlm")])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return folder.path("broken.cogvlm")
  }

  /// The first tap at fault that `verify` names for a broken model in both types, once with --json and once
  /// without.
  private func expectFault(_ model: String, at tap: String) throws {
    for type in ["f32", "bf16"] {
      let arguments = [
        "verify", model, "--reference", Fixtures.path("tiny/references/chat-7s.\(type).safetensors"),
      ]
      let outcome = try Command.run(arguments)
      #expect(outcome.status == 1, "\(type): \(outcome.errors)")
      #expect(outcome.errors == "")
      #expect(outcome.output.contains("first at fault: \(tap)\n"))
      #expect(outcome.output.hasSuffix("FAILED  \(model)\n"))
      let document = try Command.run(arguments + ["--json"]).json()
      #expect(document["passed"] as? Bool == false)
      let reference = try #require((document["references"] as? [[String: Any]])?.first)
      #expect(reference["passed"] as? Bool == false)
      #expect(reference["firstAtFault"] as? String == tap)
      let taps = try #require(reference["taps"] as? [[String: Any]])
      let wrong = taps.filter { $0["isolatedPassed"] as? Bool == false }.map { $0["name"] as? String }
      #expect(wrong == [tap])
    }
  }

  @Test("verify names the layer whose weight has two rows swapped")
  func swappedRows() throws {
    let folder = try TemporaryFolder()
    let model = try broken("model.layers.1.mlp.language_mlp.down_proj.weight", in: folder) { bytes, shape in
      let width = bytes.count / shape[0]
      let first = bytes.subdata(in: 0..<width)
      bytes.replaceSubrange(0..<width, with: bytes.subdata(in: width..<2 * width))
      bytes.replaceSubrange(width..<2 * width, with: first)
    }
    try expectFault(model, at: "model.layers.1")
  }

  @Test("verify names the vision layer whose bias is gone")
  func droppedBias() throws {
    let folder = try TemporaryFolder()
    let model = try broken("model.vision.transformer.layers.1.attention.query_key_value.bias", in: folder) {
      bytes, _ in
      bytes = Data(count: bytes.count)
    }
    try expectFault(model, at: "model.vision.transformer.layers.1")
  }

  @Test("The document has the keys of the specification, also where nothing is at fault or to be said")
  func keys() throws {
    let folder = try TemporaryFolder()
    let model = folder.path("tiny.cogvlm")
    try #require(try Command.run(["convert", Fixtures.path("tiny/checkpoint"), "-o", model]).status == 0)
    let outcome = try Command.run([
      "verify", model, "--json", "--reference",
      Fixtures.path("tiny/references/chat-text-only.f32.safetensors"),
      Fixtures.path("tiny/references/vqa-portrait.bf16.safetensors"),
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors == "")
    let document = try outcome.json()
    #expect(Set(document.keys) == ["passed", "model", "references", "failed", "parts", "lossyTensors"])
    #expect(document["model"] as? String == model)
    for reference in try #require(document["references"] as? [[String: Any]]) {
      // The design's keys, and three more: the limits that were applied, whether the prompt is the same, the
      // frames.
      #expect(
        Set(reference.keys) == [
          "file", "computeMode", "passed", "firstAtFault", "taps", "answer", "tolerance", "promptMatches",
          "frames",
        ])
      #expect(reference["firstAtFault"] is NSNull)
      for tap in try #require(reference["taps"] as? [[String: Any]]) {
        #expect(
          Set(tap.keys) == [
            "name", "shape", "relativeL2", "isolatedRelativeL2", "maxAbs", "cosine", "passed",
            "isolatedPassed",
          ])
      }
      let answer = try #require(reference["answer"] as? [String: Any])
      #expect(
        Set(answer.keys) == [
          "passed", "comparedTokens", "referenceIds", "ids", "text", "logitError", "steps",
        ])
    }
  }

  @Test(
    "The int4 model passes its own tolerance in every mode, with the figures that the page gives",
    arguments: ["float32", "bfloat16", "fast"])
  func int4(_ mode: String) throws {
    let outcome = try Command.run([
      "verify", SampleModel.int4.get(), "--json", "--mode", mode, "--reference",
      Fixtures.path("\(Self.reference).f32.safetensors"), Fixtures.path("\(Self.reference).bf16.safetensors"),
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    for reference in try #require(outcome.json()["references"] as? [[String: Any]]) {
      let tolerance = try #require(reference["tolerance"] as? [String: Any])
      #expect(tolerance["profile"] as? String == "int4")
      let taps = try #require(reference["taps"] as? [[String: Any]])
      // What 4 bits cost the trained model is far from nothing and far below the limits.
      let isolated = taps.compactMap { $0["isolatedRelativeL2"] as? Double }.max() ?? 0
      let accumulated = taps.compactMap { $0["relativeL2"] as? Double }.max() ?? 0
      #expect((0.05...0.09).contains(isolated))
      #expect((0.1...0.25).contains(accumulated))
    }
  }

  @Test(
    "The int8 model passes a tolerance of its own in every mode, which no int4 model passes",
    arguments: ["float32", "bfloat16", "fast"])
  func int8(_ mode: String) throws {
    let bundle = Fixtures.path("\(Self.reference).f32.safetensors")
    let outcome = try Command.run([
      "verify", SampleModel.int8.get(), "--json", "--mode", mode, "--reference", bundle,
      Fixtures.path("\(Self.reference).bf16.safetensors"),
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    for (number, reference) in try #require(outcome.json()["references"] as? [[String: Any]]).enumerated() {
      let tolerance = try #require(reference["tolerance"] as? [String: Any])
      #expect(tolerance["profile"] as? String == "int8" && tolerance["ownProfile"] as? String == "int8")
      let taps = try #require(reference["taps"] as? [[String: Any]])
      let isolated = taps.compactMap { $0["isolatedRelativeL2"] as? Double }.max() ?? 0
      #expect((0.003...0.01).contains(isolated))
      // The first one is float32.
      guard mode == "fast", number == 0 else { continue }
      // Its attention takes 16-bit activations; with 8 bits the last layer has 3.4e-3.
      let tower = taps.filter { ($0["name"] as? String)?.contains("vision.transformer") == true }
      #expect(tower.count == 4)
      #expect(tower.allSatisfy { ($0["isolatedRelativeL2"] as? Double ?? 1) < 3e-3 })
    }
    let coarse = try Command.run([
      "verify", SampleModel.int4.get(), "--mode", mode, "--profile", "int8", "--reference", bundle,
    ])
    #expect(coarse.status == 1)
    #expect(coarse.output.contains("tolerance int8 (given; the model's own is int4)"))
  }

  @Test("A bundle that cannot be compared with is listed as failed, and the others are compared")
  func failedBundle() throws {
    let folder = try TemporaryFolder()
    let good = Fixtures.path("\(Self.reference).f32.safetensors")
    let odd = try folder.write(Data(contentsOf: URL(filePath: good)), as: "odd.f32.safetensors")
    let frames = try folder.write("no frames".utf8, as: "odd.frames.safetensors")
    let page = folder.path("report.html")
    let arguments = try ["verify", SampleModel.float.get(), "--reference", odd, good]
    let outcome = try Command.run(arguments + ["--json"])
    #expect(outcome.status == 3, "\(outcome.errors)")
    #expect(outcome.errors.hasPrefix("warning: not compared: \(frames): "))
    let document = try outcome.json()
    #expect(document["passed"] as? Bool == false)
    let references = try #require(document["references"] as? [[String: Any]])
    #expect(references.map { $0["file"] as? String } == [good])
    #expect(references.first?["passed"] as? Bool == true)
    let failed = try #require(document["failed"] as? [[String: Any]])
    #expect(failed.map { $0["file"] as? String } == [odd])
    let text = try Command.run(arguments + ["--html", page])
    #expect(text.status == 3)
    #expect(text.output.contains("\n\nnot compared: \(frames): ") && text.output.contains("\n\nFAILED"))
    #expect(try WrittenPage(path: page).html.contains("1 of 2 references failed"))
    // Alone it is an error, and so is one that does not open, whatever else there is.
    let model = try SampleModel.float.get()
    for references in [[odd], [good, folder.path("none.f32.safetensors")]] {
      let outcome = try Command.run(["verify", model, "--json", "--reference"] + references)
      #expect(outcome.status == 2 && outcome.output == "", "\(outcome.errors)")
    }
  }

  @Test("A bundle is held to what it was computed in, whatever --mode computes in")
  func otherMode() throws {
    for (mode, bundle, profile) in [
      ("float32", "bf16", "mixed"), ("bfloat16", "f32", "mixed"), ("float32", "f32", "float32"),
    ] {
      let outcome = try Command.run([
        "verify", SampleModel.float.get(), "--json", "--mode", mode, "--reference",
        Fixtures.path("\(Self.reference).\(bundle).safetensors"),
      ])
      #expect(outcome.status == 0, "\(mode), \(bundle): \(outcome.errors)")
      let reference = try #require((outcome.json()["references"] as? [[String: Any]])?.first)
      #expect(reference["computeMode"] as? String == mode)
      let tolerance = try #require(reference["tolerance"] as? [String: Any])
      #expect(tolerance["profile"] as? String == profile && tolerance["ownProfile"] as? String == profile)
    }
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
