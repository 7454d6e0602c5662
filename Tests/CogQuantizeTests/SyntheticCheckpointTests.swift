import CogBase
import CogModel
import CogNative
import CogQuantize
import CogTestSupport
import Foundation
import Testing

@Suite(
  "Synthetic checkpoints", .enabled(if: Python.hasNumpy, "needs python3 with numpy"))
struct SyntheticCheckpointTests {
  @Test("the toolkit takes a synthetic checkpoint, tokenizer and all, and quantizes it")
  func quantize() throws {
    let folder = try TemporaryFolder()
    let tool = Python.tools + "/make_checkpoint.py"
    let outcome = try Python.run([tool, "--preset", "tiny", "-o", folder.path("tiny")])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let source = try ModelSource.open(path: folder.path("tiny"))
    #expect(source.configuration.vocabularySize == 2048)
    let summary = try Conversion(
      source: source, recipe: .init(preset: "int4"), options: .init(tool: "test 1"), context: .test()
    ).run(into: NativeSink(path: folder.path("out.cogvlm")))
    // Weights of a realistic spread lose what int4 loses, and the channels that stand out cost some more.
    for tensor in summary.tensors where tensor.encoding == .int4(groupSize: 64) {
      #expect((0.04...0.25).contains(tensor.error.relativeRMS), "\(tensor.name): \(tensor.error.relativeRMS)")
    }
    #expect(summary.tensors.contains { $0.encoding == .int4(groupSize: 64) })
    #expect(try folder.contents() == ["out.cogvlm", "tiny"])
    #expect(throws: Never.self) { try NativeFile(path: folder.path("out.cogvlm")) }
  }
}
