import CogBase
import CogCheckpoint
import CogModel
import CogNative
import CogQuantize
import CogTestSupport
import Dispatch
import Foundation
import Glibc
import Synchronization
import Testing

/// The tensors of a source in another order.
private final class Reordered: TensorStore {
  private let source: any TensorStore
  let entries: [TensorEntry]

  init(_ source: any TensorStore, _ order: ([TensorEntry]) -> [TensorEntry]) {
    self.source = source
    entries = order(source.entries)
  }

  var path: String { source.path }
  var files: [String] { source.files }
  func bytes(of entry: TensorEntry) throws -> OwnedBytes { try source.bytes(of: entry) }
  func entry(named name: String) -> TensorEntry? { source.entry(named: name) }
  func release(_ entry: TensorEntry) { source.release(entry) }
}

@Suite("Conversions that read the files once, front to back")
struct StreamingTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: folder.url.appending(path: name)) }

  @Test("the order in which tensors lie in the files does not show in the result")
  func order() throws {
    let path = Fixtures.path("tiny/checkpoint")
    let config = try String(contentsOfFile: path + "/config.json", encoding: .utf8)
    let checkpoint = try Checkpoints.open(path: path)
    let table = TensorTable(try CheckpointFolder(of: path).configuration())
    let order = Dictionary(
      uniqueKeysWithValues: table.specifications.enumerated().map { ($1.name, $0) })
    // Otherwise this would show nothing.
    #expect(checkpoint.entries.map(\.name) != table.specifications.map(\.name))
    let sources: [any TensorStore] = [
      checkpoint, Reordered(checkpoint) { $0.reversed() },
      Reordered(checkpoint) { $0.sorted { (order[$0.name] ?? 0) < (order[$1.name] ?? 0) } },
    ]
    for (recipe, label) in [
      (try QuantizationRecipe(preset: "int4"), "int4"), (try QuantizationRecipe(floats: .float16), "f16"),
      (try QuantizationRecipe(floats: nil), "source"),
    ] {
      var summaries: [ConversionSummary] = []
      for (index, tensors) in sources.enumerated() {
        let source = try ModelSource(
          tensors: tensors, configurationText: config, tokenizer: .unread([1]),
          otherFiles: [path + "/config.json"])
        summaries.append(
          try Conversion(source: source, recipe: recipe, options: .init(tool: "test 1"), context: .test())
            .run(into: NativeSink(path: folder.path("\(label)-\(index)"))))
        #expect(try bytes("\(label)-\(index)") == bytes("\(label)-0"))
        #expect(summaries[index].tensors == summaries[0].tensors)
      }
      #expect(summaries[0].tensors.map(\.name) == table.specifications.map(\.name))
      let file = try NativeFile(path: folder.path("\(label)-0"))
      for tensor in file.entries { try file.verifyChecksum(of: tensor) }
    }
  }

  @Test("keeping NaN, where there is none, gives the same bytes")
  func keeping() throws {
    let source = try ModelSource.open(path: Fixtures.path("tiny/checkpoint"))
    for policy in [Conversion.NonFinitePolicy.keep, .refuse] {
      try Conversion(
        source: source, recipe: .init(preset: "int4"), options: .init(tool: "test 1", nonFinite: policy),
        context: .test()
      ).run(into: NativeSink(path: folder.path("\(policy)")))
    }
    #expect(try bytes("keep") == bytes("refuse"))
  }

  @Test("files beside the tensors that are larger than the window are hashed whole, whatever stands in front")
  func largeFiles() throws {
    // Zeros that take no room: 300 MiB, several times what checksums may be ahead of the conversion.
    let large = try folder.write([], as: "large")
    #expect(truncate(large, 300 << 20) == 0)
    let model = try SyntheticModel()
    let source = try model.source(files: [try folder.write(Array("{}".utf8), as: "config.json"), large])
    try Conversion(
      source: source, recipe: .init(floats: nil), options: .init(tool: "test 1"), context: .test()
    ).run(into: NativeSink(path: folder.path("out")))
    let hash = try NativeFile(path: folder.path("out")).metadata.provenance.sources.last
    // head -c 314572800 /dev/zero | sha256sum
    #expect(hash?.bytes == 300 << 20)
    #expect(hash?.sha256 == "17a88af83717f68b8bd97873ffcf022c8aed703416fe9b08e0fa9e3287692bf0")
  }

  @Test("checksums wait for the conversion, until it ends")
  func window() throws {
    let path = try folder.write([], as: "shard")
    #expect(truncate(path, off_t(4 * SourceWindow.lead)) == 0)
    let window = SourceWindow([path], hashes: true)
    window.hashes(path, to: SourceWindow.lead)
    let isThrough = Mutex(false)
    let group = DispatchGroup()
    DispatchQueue.global().async(group: group) {
      window.hashes(path, to: 3 * SourceWindow.lead)
      isThrough.withLock { $0 = true }
    }
    Thread.sleep(forTimeInterval: 0.2)
    #expect(!isThrough.withLock { $0 })
    window.endReading()
    #expect(group.wait(timeout: .now() + 60) == .success)
  }

  @Test("what goes wrong on the writing thread is thrown soon, and nothing is written after it")
  func writerFailure() throws {
    let queue = SinkQueue(NativeSink(path: folder.path("out")))
    try queue.begin(
      .init(name: "a", shape: [4], encoding: .plain(.bfloat16), sourceType: .bfloat16), placing: true)
    let memory = BlockBuffer(byteCount: 8)
    memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    let block = FinishedBlock(memory, count: 8, sourceRange: 0..<8)
    let done = Mutex(0)
    var handedOver = 0
    let failure = #expect(throws: SinkQueue.Failure.self) {
      // The second block is more than the tensor has room for.
      for _ in 0..<1000 {
        handedOver += 1
        try queue.write(block) { done.withLock { $0 += 1 } }
      }
    }
    #expect((failure?.cause as? CogError)?.subject == "a")
    #expect(handedOver < 10)
    #expect(throws: SinkQueue.Failure.self) { try queue.finish() }
    #expect(done.withLock { $0 } == handedOver)
    queue.cancel()
  }

  @Test("a writing thread that is cancelled gives every block back")
  func cancelledWriter() throws {
    let queue = SinkQueue(NativeSink(path: folder.path("out")))
    let buffers = BlockBuffers()
    try queue.begin(
      .init(name: "a", shape: [4], encoding: .plain(.bfloat16), sourceType: .bfloat16), placing: true)
    let memory = buffers.take(8)
    memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    let block = FinishedBlock(memory, count: 8, sourceRange: 0..<8)
    try queue.write(block) { buffers.giveBack(block) }
    queue.cancel()
    #expect(buffers.take(8) === memory)
    #expect(buffers.take(8) !== memory)
  }
}
