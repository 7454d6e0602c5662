import CogBase
import CogCheckpoint
import CogModel
import CogNative
import CogQuantize
import CogTestSupport
import Foundation
import Testing

private let sample = Fixtures.sharedFolder?.appending(path: "sample")

@Suite(
  "The sample model", .enabled(if: sample != nil, "needs the folder of reference data beside the checkout"))
struct SampleModelTests {
  private let folder: TemporaryFolder
  private let checkpoint: String
  private let torchCheckpoint: String

  init() throws {
    folder = try TemporaryFolder()
    let sample = try #require(sample)
    checkpoint = sample.appending(path: "checkpoint").path
    torchCheckpoint = sample.appending(path: "checkpoint-bin").path
  }

  private func convert(_ path: String, _ recipe: QuantizationRecipe, to name: String) throws
    -> ConversionSummary
  {
    try Conversion(
      source: .open(path: path), recipe: recipe, options: .init(tool: "test 1"), context: .test()
    )
    .run(into: NativeSink(path: folder.path(name)))
  }

  @Test(
    "every tensor of the checkpoint is in the native file to the bit, from safetensors and PyTorch files"
  )
  func exact() throws {
    _ = try convert(checkpoint, .init(floats: nil), to: "safetensors.cogvlm")
    _ = try convert(torchCheckpoint, .init(floats: nil), to: "torch.cogvlm")
    let source = try Checkpoints.open(path: checkpoint)
    for name in ["safetensors.cogvlm", "torch.cogvlm"] {
      let file = try NativeFile(path: folder.path(name))
      #expect(file.entries.count == source.entries.count)
      for record in source.entries {
        let view = try file.loaded(record.name)
        #expect(view.elementType == record.encoding.plainType && view.shape == record.shape)
        #expect(view.bytes.elementsEqual(try source.loaded(record.name).bytes), "\(record.name)")
      }
    }
  }

  @Test("the file has the configuration's text and the provenance of every file")
  func provenance() throws {
    _ = try convert(checkpoint, .init(floats: nil), to: "model.cogvlm")
    let metadata = try NativeFile(path: folder.path("model.cogvlm")).metadata
    let config = try String(contentsOfFile: checkpoint + "/config.json", encoding: .utf8)
    #expect(metadata.config == config)
    let names =
      (1...3).map { "model-0000\($0)-of-00003.safetensors" }
      + ["config.json", "generation_config.json", "tokenizer.json", "model.safetensors.index.json"]
    #expect(metadata.provenance.sources.map(\.name) == names)
    for source in metadata.provenance.sources {
      let size =
        try FileManager.default.attributesOfItem(atPath: checkpoint + "/" + source.name)[.size] as? Int
      #expect(source.bytes == size && source.sha256.count == 64)
    }
  }

  @Test("int4 takes at most 0.29 of the BF16 bytes, and of F32 as many as of BF16")
  func int4Size() throws {
    let summary = try convert(checkpoint, .init(preset: "int4"), to: "int4.cogvlm")
    let ratio = try #require(summary.int4Ratio)
    #expect(ratio <= 0.29)
    let file = try NativeFile(path: folder.path("int4.cogvlm"))
    let int4 = file.entries.filter { $0.encoding.family == .int4 }
    let bytes = int4.reduce(0) { $0 + $1.byteCount }
    let weights = int4.reduce(0) { $0 + $1.shape.elementCount }
    #expect(ratio == Double(bytes) / Double(2 * weights))
    #expect(file.fileSize == summary.fileBytes)
  }

  @Test("a native float file as source gives the tensors that the checkpoint gives")
  func fromNative() throws {
    _ = try convert(checkpoint, .init(floats: nil), to: "float.cogvlm")
    _ = try convert(checkpoint, .init(preset: "int4"), to: "direct.cogvlm")
    _ = try convert(folder.path("float.cogvlm"), .init(preset: "int4"), to: "indirect.cogvlm")
    #expect(
      FileManager.default.contentsEqual(
        atPath: folder.path("direct.cogvlm"), andPath: folder.path("indirect.cogvlm")))
  }

  @Test("a folder that lacks the tokenizer or the configuration is refused by the file's name")
  func missingFiles() throws {
    for name in ["tokenizer.json", "config.json"] {
      let partial = try TemporaryFolder()
      for file in try FileManager.default.contentsOfDirectory(atPath: checkpoint) where file != name {
        try FileManager.default.createSymbolicLink(
          atPath: partial.path(file), withDestinationPath: checkpoint + "/" + file)
      }
      let error = #expect(throws: CogError.self) { try ModelSource.open(path: partial.url.path) }
      #expect(error?.description.contains(name) == true)
      try Data("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n".utf8)
        .write(to: partial.url.appending(path: name))
      let pointer = #expect(throws: CogError.self) { try ModelSource.open(path: partial.url.path) }
      #expect(pointer?.file?.hasSuffix(name) == true)
    }
  }

  @Test("a shard is not overwritten")
  func overwriting() throws {
    let copy = try TemporaryFolder()
    for file in try FileManager.default.contentsOfDirectory(atPath: checkpoint) {
      try FileManager.default.copyItem(atPath: checkpoint + "/" + file, toPath: copy.path(file))
    }
    let shard = copy.path("model-00002-of-00003.safetensors")
    let error = #expect(throws: CogError.self) {
      try Conversion(
        source: .open(path: copy.url.path), recipe: .init(preset: "int4"), options: .init(tool: "test 1"),
        context: .test()
      ).run(into: NativeSink(path: shard))
    }
    #expect(error?.file == shard)
    #expect(
      FileManager.default.contentsEqual(
        atPath: shard, andPath: checkpoint + "/model-00002-of-00003.safetensors"))
  }
}
