/// Makes safetensors files, right or wrong.
public enum SafetensorsBuilder {
  /// A tensor of a file.
  public struct Tensor: Sendable {
    /// Its name.
    public var name: String
    /// Its type, such as `BF16`.
    public var type: String
    /// Its sizes.
    public var shape: [Int]
    /// Its bytes.
    public var bytes: [UInt8]

    /// A tensor.
    public init(_ name: String, type: String, shape: [Int], bytes: [UInt8]) {
      (self.name, self.type, self.shape, self.bytes) = (name, type, shape, bytes)
    }
  }

  /// A file with this header and these bytes behind it.
  ///
  /// - Parameter length: what the file says that the header's length is; nil says the truth.
  public static func file(header: String, data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
    let count = length ?? UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) } + Array(header.utf8) + data
  }

  /// A file of tensors one after another.
  ///
  /// - Parameter metadata: the members of the header's metadata as JSON text; nil leaves it out.
  public static func file(_ tensors: [Tensor], metadata: String? = nil) -> [UInt8] {
    var entries = metadata.map { [#""__metadata__":{\#($0)}"#] } ?? []
    var data: [UInt8] = []
    for tensor in tensors {
      let end = data.count + tensor.bytes.count
      let place = #""shape":\#(tensor.shape),"data_offsets":[\#(data.count),\#(end)]"#
      entries.append(#""\#(tensor.name)":{"dtype":"\#(tensor.type)",\#(place)}"#)
      data += tensor.bytes
    }
    return file(header: "{" + entries.joined(separator: ",") + "}", data: data)
  }
}
