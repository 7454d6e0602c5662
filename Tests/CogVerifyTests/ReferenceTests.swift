import CogBase
import CogCompute
import CogEngine
import CogNative
import CogTestSupport
import CogVerify
import Foundation
import Testing

/// Runs the whole model on the published code's own inputs and compares every tap and the answer.
enum ReferenceRun {
  /// Verifies one bundle with a native file.
  static func verify(
    model: String, bundle path: String, mode: ComputeMode? = nil,
    visionStages: (Engine) throws -> [Stage]? = { _ in nil }
  ) throws -> ReferenceResult {
    let file = try NativeFile(path: model)
    let bundle = try ReferenceBundle(path: path, configuration: file.configuration)
    var inputs = VerificationInputs(file: file, mode: mode)
    let engine = try inputs.engine(for: bundle)
    var verifier = try Verifier(engine: engine, bundle: bundle, visionStages: visionStages(engine))
    return try verifier.run(video: inputs.frames(of: bundle))
  }

  static func summary(_ result: ReferenceResult) -> String {
    let isolated = result.taps.compactMap(\.isolatedRelativeL2).max() ?? 0
    let accumulated = result.taps.map(\.relativeL2).max() ?? 0
    let answer =
      result.answer.map { a in "\(zip(a.ids, a.referenceIds).count { $0 == $1 })/\(a.comparedTokens)" } ?? "-"
    return
      "\(URL(filePath: result.file).lastPathComponent): isolated \(isolated), accumulated \(accumulated), "
      + "answer \(answer)"
      + (result.firstAtFault.map { ", first at fault \($0.name)" } ?? "")
  }
}

@Suite struct ReferenceTests {
  static let committed: [(checkpoint: String, bundle: String)] = [
    ("tiny", "chat-7s"), ("tiny", "chat-text-only"), ("tiny", "vqa-portrait"),
    ("sample", "v22_h264-direction"),
  ]

  @Test(
    "Every tap and the answer of a committed bundle match PyTorch's", arguments: committed, ["f32", "bf16"])
  func committedBundle(_ reference: (checkpoint: String, bundle: String), type: String) throws {
    let folder = try TemporaryFolder()
    let model = folder.path("model.cogvlm")
    try NativeFixture.write(checkpoint: Fixtures.path("\(reference.checkpoint)/checkpoint"), to: model)
    let path = Fixtures.path("\(reference.checkpoint)/references/\(reference.bundle).\(type).safetensors")
    let result = try ReferenceRun.verify(model: model, bundle: path)
    let (passed, promptMatches) = (result.passed, result.promptMatches)
    #expect(passed, "\(ReferenceRun.summary(result))")
    #expect(promptMatches == true)
    let withoutIsolated = result.taps.filter { $0.isolatedRelativeL2 == nil }.map(\.point.name)
    #expect(withoutIsolated == [])
  }

  @Test(
    "A bundle passes in the other arithmetic too, with the rounding of its own", arguments: committed,
    ["f32", "bf16"])
  func otherMode(_ reference: (checkpoint: String, bundle: String), type: String) throws {
    let folder = try TemporaryFolder()
    let model = folder.path("model.cogvlm")
    try NativeFixture.write(checkpoint: Fixtures.path("\(reference.checkpoint)/checkpoint"), to: model)
    let path = Fixtures.path("\(reference.checkpoint)/references/\(reference.bundle).\(type).safetensors")
    let result = try ReferenceRun.verify(
      model: model, bundle: path, mode: type == "f32" ? .bfloat16 : .float32)
    let (passed, profile) = (result.passed, result.tolerance.profile)
    #expect(passed, "\(ReferenceRun.summary(result))")
    #expect(profile == .mixed)
    // One step of BF16's values at the largest logit, where the bundle has such values.
    let bundle = try ReferenceBundle(path: path, configuration: NativeFile(path: model).configuration)
    let largest = try bundle.value(of: .head).values.map(abs).max() ?? 0
    let step = (type == "f32" ? 0x1p-23 : 0x1p-8) * Double(largest)
    let measured = try #require(result.taps.first { $0.point == .head }).maxAbs
    #expect(result.answer.map { $0.logitError == max(step, measured) } ?? true)
  }

  @Test(
    "Every bundle of the shared reference data matches, from safetensors and from PyTorch files",
    .enabled(if: Fixtures.sharedFolder != nil, "needs the shared reference data beside the checkout"),
    arguments: [
      "reference/tiny/checkpoint", "reference/tiny/checkpoint-bin", "reference/llama3-vocab/checkpoint",
      "sample/checkpoint", "sample/checkpoint-bin",
    ])
  func sharedBundles(_ checkpoint: String) throws {
    let shared = try #require(Fixtures.sharedFolder)
    let folder = try TemporaryFolder()
    let model = folder.path("model.cogvlm")
    let source = shared.appending(path: checkpoint)
    try NativeFixture.write(checkpoint: source.path, to: model)
    let references = source.deletingLastPathComponent().appending(path: "references")
    let bundles = try FileManager.default.contentsOfDirectory(atPath: references.path)
      .filter { $0.hasSuffix(".f32.safetensors") || $0.hasSuffix(".bf16.safetensors") }.sorted()
    #expect(bundles.count >= 4)
    for bundle in bundles {
      let result = try ReferenceRun.verify(model: model, bundle: references.appending(path: bundle).path)
      let (passed, promptMatches) = (result.passed, result.promptMatches)
      #expect(passed, "\(ReferenceRun.summary(result))")
      #expect(promptMatches == true, "\(bundle)")
    }
  }
}
