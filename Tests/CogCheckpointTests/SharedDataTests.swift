import CogBase
import CogCheckpoint
import CogModel
import CogTestSupport
import Foundation
import Testing

private let isShared = Fixtures.sharedFolder != nil

@Suite(.enabled(if: isShared, "the folder of reference data is not beside the checkout"))
struct SharedDataTests {
  private func path(_ relative: String) throws -> String {
    try #require(Fixtures.sharedFolder).appending(path: relative).path
  }

  @Test(
    "safetensors and PyTorch forms of one checkpoint are equal to the bit",
    arguments: ["reference/tiny", "sample"])
  func formsAreEqual(name: String) throws {
    let safetensors = try Checkpoints.open(path: path("\(name)/checkpoint"))
    let torch = try Checkpoints.open(path: path("\(name)/checkpoint-bin"))
    try expectEqual(torch, safetensors)
    for folder in ["checkpoint", "checkpoint-bin"] {
      let configuration = try CheckpointFolder(of: path("\(name)/\(folder)")).configuration()
      let completeness = torch.completeness(for: configuration)
      #expect(completeness.isComplete, "\(completeness.problems)")
    }
  }

  @Test(
    "A checkpoint opens by its index and has all the tensors of its model",
    arguments: [
      "reference/tiny/checkpoint/model.safetensors.index.json",
      "reference/tiny/checkpoint-bin/pytorch_model.bin.index.json",
      "reference/llama3-vocab/checkpoint/model.safetensors.index.json", "reference/llama3-vocab/checkpoint",
    ])
  func opensByIndex(name: String) throws {
    let source = try Checkpoints.open(path: path(name))
    let completeness = source.completeness(for: try CheckpointFolder(of: path(name)).configuration())
    #expect(completeness.isComplete, "\(completeness.problems)")
    #expect(completeness.foundCount == source.entries.count)
    try readAll(source)
  }

  @Test("Every reference bundle opens, with its inputs and metadata")
  func opensReferenceBundles() throws {
    for name in ["reference/tiny", "reference/llama3-vocab", "sample"] {
      let folder = try path("\(name)/references")
      let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
        $0.hasSuffix(".safetensors")
      }
      #expect(files.count >= 5)
      for file in files {
        let bundle = try SafetensorsFile(path: "\(folder)/\(file)")
        try readAll(bundle)
        if file.hasSuffix(".frames.safetensors") {
          #expect(bundle.entry(named: "frames")?.encoding.plainType == .uint8)
        } else {
          #expect(bundle.entry(named: "input_ids")?.encoding.plainType == .int64)
          #expect(bundle.metadata["compute_dtype"] != nil && bundle.metadata["answer_ids"] != nil)
        }
      }
    }
  }

  @Test("A shard of each form, cut at many lengths, is refused")
  func refusesTruncatedShards() throws {
    let folder = try TemporaryFolder()
    for name in [
      "reference/tiny/checkpoint/model-00002-of-00003.safetensors",
      "reference/tiny/checkpoint-bin/pytorch_model-00001-of-00002.bin",
    ] {
      let whole = Array(try Data(contentsOf: URL(filePath: path(name))))
      for length in stride(from: 0, to: whole.count, by: 65_537) {
        #expect(try isRefused(Array(whole.prefix(length)), in: folder), "\(name) cut to \(length)")
      }
      #expect(try isRefused(whole.dropLast(), in: folder))
    }
  }

  @Test("A flipped bit in a PyTorch shard's data is found")
  func findsDamage() throws {
    let folder = try TemporaryFolder()
    let source = try path("reference/tiny/checkpoint-bin/pytorch_model-00001-of-00002.bin")
    let whole = Array(try Data(contentsOf: URL(filePath: source)))
    let records = try TorchFile(path: source).entries
    for record in records {
      let offset = try #require(record.offset)
      var copy = whole
      copy[offset + record.byteCount / 2] ^= 0x10
      let file = try TorchFile(path: folder.write(copy, as: "damaged.bin"))
      expectRefusal(record.name, "checksum") { _ = try file.loaded(record.name) }
    }
  }
}
