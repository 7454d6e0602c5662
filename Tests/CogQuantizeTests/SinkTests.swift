import CogBase
import CogCheckpoint
import CogCompute
import CogModel
import CogNative
import CogQuantize
import CogTestSupport
import Foundation
import Testing

/// What every format must do: the tests loop over the list of them.
@Suite("Sinks")
struct SinkTests {
  private let folder: TemporaryFolder
  private let source: ModelSource

  init() throws {
    folder = try TemporaryFolder()
    source = try ModelSource.open(path: Fixtures.path("tiny/checkpoint"))
  }

  private static func sink(_ name: String, _ path: String) throws -> any ModelSink {
    var settings = OutputFormat.Settings()
    settings.shardSize = 200_000
    return try #require(OutputFormat.named(name)).makeSink(path, settings)
  }

  private func slots() throws -> [TensorSlot] {
    try TensorTable(source.configuration).specifications.map { specification in
      let entry = try #require(source.tensors.entry(named: specification.name))
      return try TensorSlot(
        name: specification.name, shape: specification.shape, encoding: entry.encoding,
        sourceType: #require(entry.encoding.plainType))
    }
  }

  private var documents: ModelDocuments {
    ModelDocuments(
      metadata: ModelMetadata(
        config: source.configurationText, provenance: .init(tool: "test", sources: []),
        recipe: .init(
          linear: "source", embedding: "source", head: "source", other: "source", method: "none")),
      tokenizer: source.tokenizer)
  }

  private func write(_ slot: TensorSlot, to sink: any ModelSink) throws {
    var writer = try sink.begin(slot)
    let bytes = try source.tensors.tensor(named: slot.name).bytes
    for half in [0..<bytes.count / 2, bytes.count / 2..<bytes.count] {
      try bytes[half].withUnsafeBytes { try writer.write($0) }
    }
    try writer.end(error: .none)
  }

  @Test("The order in which tensors come does not show", arguments: OutputFormat.all.map(\.name))
  func order(format: String) throws {
    let slots = try slots()
    for (number, order) in [slots, slots.reversed(), slots.shuffled()].enumerated() {
      let sink = try Self.sink(format, folder.path("\(number)"))
      try sink.reserve(slots)
      for slot in order { try write(slot, to: sink) }
      #expect(try folder.contents().contains("\(number)") == false)
      let byteCount = try sink.finish(documents)
      #expect(
        FileManager.default.contentsEqual(atPath: folder.path("0"), andPath: folder.path("\(number)")))
      #expect(try byteCount <= sink.largestByteCount(of: slots, documentBytes: 20_000_000))
    }
    #expect(try folder.contents() == ["0", "1", "2"])
  }

  @Test("What is written is read again, to the bit", arguments: OutputFormat.all.map(\.name))
  func readAgain(format: String) throws {
    let path = folder.path("out")
    let sink = try Self.sink(format, path)
    try sink.reserve(slots())
    for slot in try slots() { try write(slot, to: sink) }
    try sink.finish(documents)
    let again = try ModelSource.open(path: path)
    #expect(again.configurationText == source.configurationText)
    #expect(again.tokenizer.compact == source.tokenizer.compact)
    #expect(try again.tokenizer.json().isEmpty == false)
    for slot in try slots() {
      let (new, old) = (
        try again.tensors.tensor(named: slot.name), try source.tensors.tensor(named: slot.name)
      )
      #expect(new.entry.encoding == old.entry.encoding && new.entry.shape == old.entry.shape, "\(slot.name)")
      let isSame = new.bytes.withUnsafeBytes { new in
        old.bytes.withUnsafeBytes { new.elementsEqual($0) }
      }
      #expect(isSame, "\(slot.name)")
    }
  }

  @Test(
    "A tensor without a place, twice, cut off or missing is refused", arguments: OutputFormat.all.map(\.name))
  func misuse(format: String) throws {
    let path = folder.path("out")
    let sink = try Self.sink(format, path)
    let slots = try slots()
    try sink.reserve(slots)
    let stranger = try TensorSlot(
      name: "stranger", shape: [2], encoding: .plain(.bfloat16), sourceType: .bfloat16)
    let unknown = #expect(throws: CogError.self) { _ = try sink.begin(stranger) }
    #expect(unknown?.file == path && unknown?.subject == "stranger")
    try write(slots[0], to: sink)
    #expect(throws: CogError.self) { _ = try sink.begin(slots[0]) }
    for slot in slots[1..<slots.count - 1] { try write(slot, to: sink) }
    let writer = try sink.begin(slots[slots.count - 1])
    let cutOff = #expect(throws: CogError.self) { try sink.finish(documents) }
    #expect(cutOff?.subject == writer.slot.name)
    sink.part.abandon()
    #expect(try folder.contents().isEmpty)
  }

  @Test(
    "Tensors of an earlier run are taken over, where they lie at their place",
    arguments: OutputFormat.all.map(\.name))
  func adoption(format: String) throws {
    let slots = try slots()
    let whole = try Self.sink(format, folder.path("whole"))
    try whole.reserve(slots)
    for slot in slots { try write(slot, to: whole) }
    try whole.finish(documents)

    let first = try Self.sink(format, folder.path("out"))
    try first.reserve(slots)
    _ = try first.part.open(resuming: false)
    try first.part.journal?.append(["begun"])
    var stored: [StoredTensor] = []
    for slot in slots.prefix(20) {
      var writer = try first.begin(slot)
      try source.tensors.tensor(named: slot.name).bytes.withUnsafeBytes { try writer.write($0) }
      stored.append(try writer.end(error: .none))
    }
    first.part.keep()
    let second = try Self.sink(format, folder.path("out"))
    #expect(try second.part.open(resuming: true) == ["begun"])
    try second.reserve(slots)
    for tensor in stored {
      let elsewhere = StoredTensor(
        slot: tensor.slot, file: tensor.file, offset: tensor.offset + 64, checksum: 0, error: .none)
      #expect(throws: CogError.self) { try second.adopt(elsewhere) }
    }
    second.part.keep()
    let third = try Self.sink(format, folder.path("out"))
    _ = try third.part.open(resuming: true)
    try third.reserve(slots)
    for tensor in stored { try third.adopt(tensor) }
    for slot in slots.dropFirst(20) { try write(slot, to: third) }
    try third.finish(documents)
    #expect(FileManager.default.contentsEqual(atPath: folder.path("whole"), andPath: folder.path("out")))
  }
}
