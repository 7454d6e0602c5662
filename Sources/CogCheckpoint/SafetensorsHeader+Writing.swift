package import CogBase
import CogModel

extension SafetensorsHeader {
  /// A tensor that is to be written.
  package struct NewTensor: Sendable {
    /// Its name.
    package let name: String
    /// The type of its elements.
    package let type: ElementType
    /// Its shape.
    package let shape: Shape

    /// A tensor of a name, a type and a shape.
    package init(name: String, type: ElementType, shape: Shape) {
      (self.name, self.type, self.shape) = (name, type, shape)
    }
  }

  /// A header as it is written: its length, its text, and where in the file each tensor begins.
  package struct Encoded: Sendable {
    /// The length field and the text.
    package let bytes: [UInt8]
    /// For each tensor its offset in the file, in the order in which they were given.
    package let offsets: [Int]
    /// Bytes of the whole file.
    package let fileSize: Int
  }

  /// The header of tensors that follow each other in this order. Put those with the widest elements first,
  /// so that each lies on a multiple of its elements' width.
  ///
  /// - Parameter metadata: the texts of `__metadata__`, by key.
  /// - Throws: ``CogError`` when the sizes do not fit 63 bits.
  package static func encode(_ tensors: [NewTensor], metadata: [String: String]) throws -> Encoded {
    let texts = metadata.sorted { $0.key < $1.key }.map { "\($0.key.jsonLiteral):\($0.value.jsonLiteral)" }
    var entries = ["\"__metadata__\":{\(texts.joined(separator: ","))}"]
    var end = 0
    var starts: [Int] = []
    for tensor in tensors {
      let count = try tensor.shape.byteCount(of: tensor.type)
      let next = try Checked.add(end, count, "bytes of a safetensors file")
      let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
      entries.append(
        "\(tensor.name.jsonLiteral):{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(end),\(next)]}")
      starts.append(end)
      end = next
    }
    var text = Array("{\(entries.joined(separator: ","))}".utf8)
    // Data begins on a multiple of 8, as the format's own library does it.
    while text.count % lengthFieldSize != 0 { text.append(UInt8(ascii: " ")) }
    let length = (0..<lengthFieldSize).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
    let dataStart = lengthFieldSize + text.count
    return Encoded(
      bytes: length + text, offsets: try starts.map { try Checked.add(dataStart, $0, "offset of a tensor") },
      fileSize: try Checked.add(dataStart, end, "bytes of a safetensors file"))
  }
}
