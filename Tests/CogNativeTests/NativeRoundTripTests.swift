import CogBase
import CogModel
import CogNative
import CogTestSupport
import Foundation
import Testing

@Suite("Native files that are written and read again")
struct NativeRoundTripTests {
  @Test("the writer's file is the specification's, byte for byte")
  func writerMatchesSpecification() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.mixed()
    try model.write(to: folder.path("tiny.cogvlm"))
    let written = try [UInt8](Data(contentsOf: folder.url.appending(path: "tiny.cogvlm")))
    #expect(written == (try RawNativeFile(model).bytes))
    #expect(try folder.contents() == ["tiny.cogvlm"])
  }

  @Test("a file gives back what was written")
  func roundTrip() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.mixed()
    let path = folder.path("tiny.cogvlm")
    try model.write(to: path)
    let file = try NativeFile(path: path)
    #expect(file.metadata == model.metadata)
    #expect(file.configuration.hiddenSize == 32)
    #expect(try Array(file.tokenizerBytes()) == model.tokenizer)
    #expect(file.entries.count == file.table.specifications.count)
    for (tensor, original) in zip(file.entries, model.tensors) {
      #expect(tensor.name == original.name)
      #expect(tensor.shape == original.shape)
      #expect(tensor.encoding == original.encoding)
      #expect(tensor.error == original.error)
      #expect(try file.loaded(tensor.name).bytes == original.bytes)
      #expect((tensor.offset ?? -1) % 4096 == 0)
      try file.verifyChecksum(of: tensor)
    }
    #expect(!file.isFloat)
    #expect(file.fileSize == (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int))
  }

  @Test("the ids that end an answer are those of the configuration and of endOfText (report 7)")
  func endOfText() throws {
    let folder = try TemporaryFolder()
    var model = try TinyModel.mixed()
    let path = folder.path("tiny.cogvlm")
    for (ids, expected) in [(nil, [38]), ([38, 7], [38, 7]), ([7], [38, 7]), ([], [38])] as [([Int]?, [Int])]
    {
      model.metadata.endOfText = ids
      try model.write(to: path)
      let file = try NativeFile(path: path)
      #expect(file.metadata.endOfText == ids && file.configuration.endOfTextIDs == expected)
    }
    model.metadata.endOfText = [40]
    try model.write(to: path)
    let error = #expect(throws: CogError.self) { _ = try NativeFile(path: path) }
    #expect(error?.subject == "endOfText")
  }

  @Test("the file is a store of all its tensors, quantized ones too, with their places in the model")
  func store() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("tiny.cogvlm")
    try TinyModel.mixed().write(to: path)
    let file = try NativeFile(path: path)
    for entry in file.entries {
      #expect(entry == file.entry(named: entry.name) && entry.file == path && entry.place != .unknown)
      #expect(try file.bytes(of: entry).count == entry.byteCount)
      try file.verifyChecksum(of: entry)
    }
    let head = try #require(file.entry(named: "lm_head.weight"))
    #expect(head.encoding == .plain(.float32) && head.role == .outputHead && head.layer == nil)
    let table = try #require(file.entry(named: "model.embed_tokens.weight"))
    #expect(table.encoding == .int8(groupSize: 64) && table.part == .embedding)
    #expect(table.sourceType == .bfloat16 && (table.error?.relativeRMS ?? 0) > 0)
    #expect(throws: CogError.self) { try file.loaded("no.such.tensor") }
  }

  @Test("values of every encoding lie within what the directory says was lost")
  func values() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("tiny.cogvlm")
    try TinyModel.mixed().write(to: path)
    let file = try NativeFile(path: path)
    // The same numbers without loss.
    let plain = try TinyModel()
    for (tensor, original) in zip(file.entries, plain.tensors) {
      let expected = stride(from: 0, to: original.bytes.count, by: 2).map {
        Float(bitPattern: UInt32(original.bytes[$0]) << 16 | UInt32(original.bytes[$0 + 1]) << 24)
      }
      let values = try file.values(of: tensor)
      let squaredError = zip(values, expected).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
      let squares = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
      let relative = (squaredError / squares).squareRoot()
      #expect(
        abs(relative - Double(tensor.error?.relativeRMS ?? -1)) <= 1e-6 * relative
          + (tensor.encoding == .plain(.float16) ? 1e-3 : 0))
      if tensor.shape.rows > 3 {
        let columns = tensor.shape.columns
        #expect(try file.values(of: tensor, rows: 1..<3) == Array(values[columns..<3 * columns]))
      }
      #expect(throws: CogError.self) { try file.values(of: tensor, rows: 0..<tensor.shape.rows + 1) }
    }
  }

  @Test("a tensor written in pieces is the tensor written whole")
  func streamed() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.mixed()
    try model.write(to: folder.path("whole.cogvlm"))
    let sink = NativeSink(path: folder.path("pieces.cogvlm"))
    for (index, tensor) in model.tensors.enumerated() {
      try sink.reserve([tensor.slot])
      var writer = try sink.begin(tensor.slot)
      let piece = 1 + index * 37
      try tensor.bytes.withUnsafeBytes { bytes in
        for start in stride(from: 0, to: bytes.count, by: piece) {
          try writer.write(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + piece, bytes.count)]))
        }
      }
      try writer.end(error: tensor.error)
    }
    try sink.finish(model.documents)
    #expect(
      FileManager.default.contentsEqual(
        atPath: folder.path("whole.cogvlm"), andPath: folder.path("pieces.cogvlm")))
  }

  @Test("tensors whose places are fixed may come in any order")
  func reserved() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.mixed()
    let whole = folder.path("whole.cogvlm")
    try model.write(to: whole)
    let tensors = model.tensors
    let everyOther = tensors.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
    let orders = [
      tensors, tensors.reversed(),
      everyOther + tensors.enumerated().filter { $0.offset % 2 == 0 }.map(\.element),
    ]
    for (index, order) in orders.enumerated() {
      let path = folder.path("\(index).cogvlm")
      let sink = NativeSink(path: path)
      try sink.reserve(tensors.map { try $0.slot })
      for tensor in order {
        var writer = try sink.begin(tensor.slot)
        try tensor.bytes.withUnsafeBytes { try writer.write($0) }
        try writer.end(error: tensor.error)
      }
      try sink.finish(model.documents)
      #expect(FileManager.default.contentsEqual(atPath: whole, andPath: path))
    }
  }

  @Test("a tensor that is not the one its place was fixed for, comes twice, or does not come, is refused")
  func reservationMisuse() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("tiny.cogvlm")
    let sink = NativeSink(path: path)
    func slot(_ name: String, _ shape: Shape, _ type: ElementType) throws -> TensorSlot {
      try TensorSlot(name: name, shape: shape, encoding: .plain(type), sourceType: .bfloat16)
    }
    let (a, b) = (try slot("a", [3], .bfloat16), try slot("b", [2], .float32))
    try sink.reserve([a, b])
    let twice = #expect(throws: CogError.self) { try sink.reserve([b]) }
    #expect(twice?.file == path && twice?.subject == "b")
    for other in [try slot("a", [2], .bfloat16), try slot("a", [3], .float16), try slot("c", [3], .bfloat16)]
    {
      let error = #expect(throws: CogError.self) { _ = try sink.begin(other) }
      #expect(error?.subject == other.name)
    }
    var writer = try sink.begin(a)
    try [UInt8](repeating: 0, count: 6).withUnsafeBytes { try writer.write($0) }
    try writer.end(error: .none)
    #expect(throws: CogError.self) { _ = try sink.begin(a) }
    let documents = try TinyModel().documents
    let missing = #expect(throws: CogError.self) { try sink.finish(documents) }
    #expect(missing?.file == path && missing?.subject == "b")
    sink.part.abandon()
    #expect(try folder.contents().isEmpty)
  }

  @Test("too many bytes, too few, and what the format cannot hold are refused")
  func writerMisuse() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("tiny.cogvlm")
    let sink = NativeSink(path: path)
    let bytes = [UInt8](repeating: 1, count: 8)
    func slot(_ name: String, _ shape: Shape, _ encoding: TensorEncoding) throws -> TensorSlot {
      try TensorSlot(name: name, shape: shape, encoding: encoding, sourceType: .bfloat16)
    }
    try sink.reserve([slot("a", [3], .plain(.bfloat16)), slot("b", [3], .plain(.bfloat16))])
    var writer = try sink.begin(slot("a", [3], .plain(.bfloat16)))
    try bytes.withUnsafeBytes { try writer.write(UnsafeRawBufferPointer(rebasing: $0[..<4])) }
    do {
      try bytes.withUnsafeBytes { try writer.write(UnsafeRawBufferPointer(rebasing: $0[..<3])) }
      Issue.record("a byte too many was taken")
    } catch let error as CogError {
      #expect(error.file == path && error.subject == "a")
    }
    do {
      try writer.end(error: .none)
      Issue.record("a byte too few was taken")
    } catch let error as CogError {
      #expect(error.file == path && error.subject == "a")
    }
    let documents = try TinyModel().documents
    #expect(throws: CogError.self) { try sink.finish(documents) }
    for refused in [
      try slot("c", [1, 1, 1, 1, 1], .plain(.bfloat16)), try slot("d", [1], .plain(.int8)),
    ] {
      let error = #expect(throws: CogError.self) { try sink.reserve([refused]) }
      #expect(error?.subject == refused.name)
    }
    let group = #expect(throws: CogError.self) { try slot("e", [4, 4], .int4(groupSize: 48)) }
    #expect(group?.subject == "e")
    sink.part.abandon()
    #expect(try folder.contents().isEmpty)
  }

  @Test("a sink that goes away leaves nothing")
  func unfinished() throws {
    let folder = try TemporaryFolder()
    do {
      let sink = NativeSink(path: folder.path("tiny.cogvlm"))
      let slot = try TensorSlot(
        name: "a", shape: [3], encoding: .plain(.bfloat16), sourceType: .bfloat16)
      try sink.reserve([slot])
      var writer = try sink.begin(slot)
      try [UInt8](repeating: 1, count: 2).withUnsafeBytes { try writer.write($0) }
    }
    #expect(try folder.contents().isEmpty)
  }

  @Test("an error measure survives JSON, infinite or not")
  func storageErrorCoding() throws {
    let errors = [
      StorageError.none, StorageError(squaredError: 1, squares: 0),
      StorageError(squaredError: 0.25, squares: 3, worstGroup: 0.5, worstRow: 7, worstGroupIndex: 2),
    ]
    let decoded = try JSONDecoder().decode([StorageError].self, from: JSONEncoder().encode(errors))
    #expect(decoded == errors)
  }
}
