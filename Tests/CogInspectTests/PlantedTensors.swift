import CogTestSupport
import Foundation

/// Tensors that a test makes up.
enum PlantedTensors {
  /// Writes a safetensors file of tensors whose bytes are given, and returns its path.
  static func write(
    _ tensors: [(name: String, type: String, shape: [Int], bytes: [UInt8])], in folder: TemporaryFolder
  ) throws -> String {
    let file = SafetensorsBuilder.file(
      tensors.map { .init($0.name, type: $0.type, shape: $0.shape, bytes: $0.bytes) })
    return try folder.write(file, as: "\(UUID().uuidString).safetensors")
  }

  /// The bytes of values.
  static func bytes<Value: BitwiseCopyable>(_ values: [Value]) -> [UInt8] {
    values.withUnsafeBytes(Array.init)
  }

  /// The bytes of values cut off to bfloat16.
  static func bfloat16(_ values: [Float]) -> [UInt8] {
    bytes(values.map { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) })
  }
}
