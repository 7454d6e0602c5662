import CogBase
import CogCheckpoint
import CogInspect
import CogModel
import CogTestSupport
import Foundation
import Testing

@Suite struct InspectionTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A safetensors file of BF16 zeros.
  private func write(_ tensors: [(String, [Int])], metadata: String = "", as name: String) throws -> String {
    let tensors = tensors.map { name, shape in
      SafetensorsBuilder.Tensor(
        name, type: "BF16", shape: shape, bytes: [UInt8](repeating: 0, count: 2 * shape.reduce(1, *)))
    }
    return try folder.write(SafetensorsBuilder.file(tensors, metadata: metadata), as: name)
  }

  @Test("A file without a configuration is listed, its tensors grouped by name")
  func listsFile() throws {
    let path = try write(
      [("model.layers.0.a", [2, 3]), ("model.layers.1.a", [2, 3]), ("lm_head.weight", [4])],
      metadata: "\"format\":\"pt\"", as: "some.safetensors")
    let inspection = try inspected(path)
    #expect(inspection.parts.map(\.name) == ["model.layers", "lm_head"])
    #expect(inspection.parts.map(\.parameterCount) == [12, 4])
    #expect(inspection.total.byteCount == 32 && inspection.total.bitsPerWeight == 16)
    #expect(inspection.tensors.map(\.type.label) == ["BF16", "BF16", "BF16"])
    #expect(inspection.metadata == ["format": "pt"])
    #expect(inspection.files.map(\.kind) == ["safetensors"] && inspection.completeness == nil)
    let copy = try JSONDecoder().decode(Inspection.self, from: JSONEncoder().encode(inspection))
    #expect(copy == inspection)
  }

  @Test("Tensors that were listed elsewhere keep their own types and sizes")
  func takesListedTensors() {
    let tensor = Inspection.Tensor(
      name: "w", type: .int4(groupSize: 64), shape: [64, 64], byteCount: 2240, file: "m.cogvlm", offset: 4096,
      part: "language")
    let inspection = Inspection(
      path: "m.cogvlm", files: [.init(path: "m.cogvlm", kind: "native", byteCount: 9000)], tensors: [tensor],
      metadata: [:], completeness: nil)
    #expect(inspection.total.bitsPerWeight == 4.375)
  }

  @Test("Sums that do not fit stay in range")
  func survivesHugeTensors() {
    let tensor = Inspection.Tensor(
      name: "w", type: .plain(.uint8), shape: [.max], byteCount: .max, file: "f", offset: .max, part: "p")
    let inspection = Inspection(
      path: "f", files: [], tensors: [tensor, tensor], metadata: [:], completeness: nil)
    #expect(inspection.total.byteCount == .max)
  }

  @Test("A lone file beside a configuration is compared with the model, one of several shards is not")
  func comparesLoneFiles() throws {
    let config = SmallConfiguration().json
    _ = try folder.write(Array(config.utf8), as: "config.json")
    let tensors = [("model.norm.weight", [16]), ("strange", [1])]
    let lone = try inspected(write(tensors, as: "weights.safetensors"))
    #expect(lone.completeness?.extra == ["strange"] && lone.completeness?.misshapen.isEmpty == true)
    #expect(lone.parts.map(\.name) == ["language", "other"])
    #expect(try inspected(write(tensors, as: "model-00001-of-00002.safetensors")).completeness == nil)
  }

  @Test("What is no checkpoint is refused as what it is")
  func refusesOthers() throws {
    let path = try folder.write(Array("GGUF\u{3}".utf8), as: "model.safetensors")
    let error = #expect(throws: CogError.self) { _ = try inspected(path) }
    #expect(error?.description.contains("GGUF") == true)
  }

  @Test(
    "The reference checkpoints are shown whole, with parts, files and completeness",
    .enabled(if: Fixtures.sharedFolder != nil, "the folder of reference data is not beside the checkout"),
    arguments: ["reference/tiny/checkpoint", "reference/tiny/checkpoint-bin", "sample/checkpoint"])
  func showsReferenceCheckpoints(name: String) throws {
    let path = try #require(Fixtures.sharedFolder).appending(path: name).path
    let inspection = try inspected(path)
    #expect(inspection.completeness?.isComplete == true)
    #expect(Set(inspection.parts.map(\.name)) == Set(ModelPart.allCases.map(\.rawValue)))
    #expect(inspection.total.tensorCount == inspection.tensors.count && inspection.total.bitsPerWeight == 16)
    // 5,721,344 parameters by its README, and four buffers of 32 rotary frequencies.
    if name.hasPrefix("sample") { #expect(inspection.total.parameterCount == 5_721_344 + 4 * 32) }
    #expect(inspection.files.suffix(2).map(\.kind) == ["json", "json"])
    // One shard alone is listed with its parts but not called incomplete.
    let shard = try inspected(inspection.files[0].path)
    #expect(shard.notes.contains { $0.hasPrefix("one of ") })
    #expect(shard.completeness == nil && shard.parts.allSatisfy { $0.name != "other" })
  }
}
