public import Foundation
import Testing

/// The tensors of a safetensors checkpoint, to be changed and written as one file. Small checkpoints only.
public struct Safetensors {
  /// One tensor.
  public struct Tensor {
    /// Its name.
    public let name: String
    /// Its type, as the format spells it, such as `BF16`.
    public let type: String
    /// Its shape.
    public let shape: [Int]
    /// Its little-endian bytes.
    public var bytes: Data

    /// A tensor.
    public init(name: String, type: String, shape: [Int], bytes: Data) {
      (self.name, self.type, self.shape, self.bytes) = (name, type, shape, bytes)
    }
  }

  /// The tensors, in the order in which they are written.
  public var tensors: [Tensor]

  /// A checkpoint of some tensors.
  public init(tensors: [Tensor]) { self.tensors = tensors }

  /// Reads all `*.safetensors` of a folder.
  public init(folder: String) throws {
    tensors = []
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    where name.hasSuffix(".safetensors") {
      let file = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
      for (name, entry) in try Self.header(of: file) {
        tensors.append(
          Tensor(
            name: name, type: try #require(entry["dtype"] as? String),
            shape: try #require(entry["shape"] as? [Int]),
            bytes: Data(file[try Self.range(of: name, in: file)])))
      }
    }
  }

  /// The bytes of a tensor in a file.
  public static func range(of name: String, in file: Data) throws -> Range<Int> {
    let entry = try #require(header(of: file)[name])
    let offsets = try #require(entry["data_offsets"] as? [Int])
    return 8 + headerSize(file) + offsets[0]..<8 + headerSize(file) + offsets[1]
  }

  private static func headerSize(_ file: Data) -> Int {
    file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  private static func header(of file: Data) throws -> [String: [String: Any]] {
    let header = try JSONSerialization.jsonObject(with: file[8..<8 + headerSize(file)])
    var entries = try #require(header as? [String: [String: Any]])
    entries["__metadata__"] = nil
    return entries
  }

  /// The same without one tensor.
  public func removing(_ name: String) -> Safetensors {
    Safetensors(tensors: tensors.filter { $0.name != name })
  }

  /// Adds a tensor.
  public mutating func append(_ name: String, type: String, shape: [Int], bytes: Data) {
    tensors.append(Tensor(name: name, type: type, shape: shape, bytes: bytes))
  }

  /// The same with one tensor's bytes changed.
  public func changing(_ name: String, _ change: (inout Data, [Int]) -> Void) throws -> Safetensors {
    var copy = self
    let index = try #require(tensors.firstIndex { $0.name == name })
    change(&copy.tensors[index].bytes, tensors[index].shape)
    return copy
  }

  /// The bytes of one file.
  public func encoded() -> Data {
    Data(
      SafetensorsBuilder.file(
        tensors.map { .init($0.name, type: $0.type, shape: $0.shape, bytes: Array($0.bytes)) },
        metadata: #""format":"pt""#))
  }

  /// Writes `model.safetensors` into a new folder, beside config.json and tokenizer.json of a fixture.
  public func write(toFolder folder: String, with fixture: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try encoded().write(to: URL(filePath: "\(folder)/model.safetensors"))
    for name in ["config.json", "tokenizer.json"] {
      try FileManager.default.copyItem(
        atPath: Fixtures.path("\(fixture)/\(name)"), toPath: "\(folder)/\(name)")
    }
  }
}
