import CogBase
import CogCheckpoint
import CogModel
import CogNative
import CogText
import CogTestSupport
import Foundation
import Testing

/// A native file made straight from a checkpoint's bytes, with a chance to damage tensors on the way.
///
/// Written without the converter, so that a fault there cannot hide one here.
enum NativeFixture {
  /// Writes `checkpoint` as a native file in its own element types.
  ///
  /// - Parameter alter: receives every tensor's name and may change its element type and bytes.
  static func write(
    checkpoint: String, to path: String, alter: (String, inout StoredTensor) throws -> Void = { _, _ in }
  ) throws {
    let source = try Checkpoints.open(path: checkpoint)
    let configBytes = try Data(contentsOf: URL(filePath: checkpoint + "/config.json"))
    let tokenizerBytes = try Data(contentsOf: URL(filePath: checkpoint + "/tokenizer.json"))
    let configuration = try Array(configBytes).withUnsafeBytes {
      try ModelConfiguration(json: $0, file: "config.json")
    }
    let tokenizer = try Array(tokenizerBytes).withUnsafeBytes {
      try Tokenizer(json: $0, file: "tokenizer.json")
    }
    let sink = NativeSink(path: path)
    for specification in TensorTable(configuration).specifications {
      let view = try source.loaded(specification.name)
      let sourceType = try #require(view.elementType)
      var tensor = StoredTensor(type: sourceType, shape: view.shape, bytes: view.bytes)
      try alter(specification.name, &tensor)
      try tensor.bytes.withUnsafeBytes {
        try sink.append(
          TensorSlot(
            name: specification.name, shape: view.shape, encoding: .plain(tensor.type),
            sourceType: sourceType),
          bytes: $0, error: .none)
      }
    }
    let metadata = ModelMetadata(
      config: String(decoding: configBytes, as: UTF8.self), provenance: .init(tool: "test", sources: []),
      recipe: .init(linear: "source", embedding: "source", head: "source", other: "source", method: "none"))
    let text = TokenizerText(compact: tokenizer.encoded()) { Array(tokenizerBytes) }
    try sink.finish(ModelDocuments(metadata: metadata, tokenizer: text))
  }
}

/// A tensor on its way into a native file.
struct StoredTensor {
  var type: ElementType
  let shape: Shape
  var bytes: [UInt8]

  /// Exchanges two rows.
  mutating func swapRows(_ first: Int, _ second: Int) {
    let rowBytes = bytes.count / shape.rows
    for index in 0..<rowBytes { bytes.swapAt(first * rowBytes + index, second * rowBytes + index) }
  }

  /// Makes all elements 0.
  mutating func clear() { bytes = [UInt8](repeating: 0, count: bytes.count) }

  /// Replaces the elements by float32 values.
  mutating func replace(with values: [Float]) {
    type = .float32
    bytes = values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
  }
}
