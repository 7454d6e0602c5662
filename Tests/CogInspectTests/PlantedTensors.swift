import CogBase
import CogTestSupport
import Foundation

/// Tensors that a test makes up.
enum PlantedTensors {
  /// Writes a safetensors file of tensors whose bytes are given, and returns its path.
  static func write(
    _ tensors: [(name: String, type: String, shape: [Int], bytes: [UInt8])], in folder: TemporaryFolder
  ) throws -> String {
    var data: [UInt8] = []
    let entries = tensors.map { tensor in
      let start = data.count
      data += tensor.bytes
      let place = #""shape":\#(tensor.shape),"data_offsets":[\#(start),\#(data.count)]"#
      return #""\#(tensor.name)":{"dtype":"\#(tensor.type)",\#(place)}"#
    }
    let header = "{" + entries.joined(separator: ",") + "}"
    var writer = ByteWriter()
    writer.write(UInt64(header.utf8.count))
    writer.write(contentsOf: header.utf8)
    writer.write(contentsOf: data)
    return try folder.write(writer.bytes, as: "\(UUID().uuidString).safetensors")
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
