import CogBase
import CogCheckpoint
import CogModel
import CogNative
import CogText
import Foundation

/// A native file made straight from a checkpoint's bytes, with a chance to damage tensors on the way.
///
/// Written without the converter, so that a fault there cannot hide one here.
enum NativeFixture {
  /// Writes `checkpoint` as a native file in its own element types.
  ///
  /// - Parameter alter: receives every tensor's name, element type and bytes, and may change the bytes.
  static func write(
    checkpoint: String, to path: String, alter: (String, Shape, inout [UInt8]) throws -> Void = { _, _, _ in }
  ) throws {
    let source = try Checkpoints.open(path: checkpoint)
    let configBytes = try Data(contentsOf: URL(filePath: checkpoint + "/config.json"))
    let tokenizerBytes = try Data(contentsOf: URL(filePath: checkpoint + "/tokenizer.json"))
    let configuration = try Array(configBytes).withUnsafeBytes { try ModelConfiguration(json: $0, file: "config.json") }
    let tokenizer = try Array(tokenizerBytes).withUnsafeBytes { try Tokenizer(json: $0, file: "tokenizer.json") }
    let writer = try NativeWriter(path: path)
    for specification in TensorTable(configuration).specifications {
      let view = try source.view(of: specification.name)
      var bytes = Array(view.bytes)
      try alter(specification.name, view.shape, &bytes)
      try bytes.withUnsafeBytes {
        try writer.append(
          name: specification.name, shape: view.shape, encoding: .plain(view.elementType), bytes: $0,
          sourceType: view.elementType, error: .none)
      }
    }
    try writer.finish(
      metadata: NativeMetadata(
        config: String(decoding: configBytes, as: UTF8.self),
        provenance: .init(tool: "test", sources: []),
        recipe: .init(linear: "source", embedding: "source", head: "source", other: "source", method: "none")),
      tokenizer: tokenizer.encoded())
  }

  /// The BF16 values of bytes.
  static func bfloat16(_ bytes: [UInt8]) -> [Float] {
    stride(from: 0, to: bytes.count, by: 2).map {
      Float(bitPattern: UInt32(bytes[$0]) << 16 | UInt32(bytes[$0 + 1]) << 24)
    }
  }
}
