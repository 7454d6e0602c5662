import CogBase
import CogModel
import CogQuantize
import Synchronization

/// A small model in memory, filled with numbers that are the same on every run.
///
/// Widths are chosen so that rows are no multiple of 16, columns no multiple of 8, and last groups are short.
final class SyntheticModel: TensorStore {
  static let config = """
    {
      "architectures": ["CogVLMVideoForCausalLM"], "bos_token_id": 67, "eos_token_id": 68, "pad_token_id": 69,
      "hidden_act": "silu", "hidden_size": 72, "intermediate_size": 180, "max_position_embeddings": 64,
      "num_attention_heads": 2, "num_hidden_layers": 2, "num_multi_query_heads": 1, "rms_norm_eps": 1e-05,
      "template_version": "chat", "tie_word_embeddings": false, "vocab_size": 70,
      "vision_config": {
        "hidden_act": "gelu", "hidden_size": 44, "image_size": 4, "in_channels": 3, "intermediate_size": 100,
        "layer_norm_eps": 1e-06, "num_heads": 2, "num_hidden_layers": 2, "num_positions": 5, "patch_size": 2
      }
    }
    """

  /// One tensor.
  struct Tensor {
    var elementType: ElementType
    var shape: Shape
    var bytes: [UInt8]
  }

  let path = "synthetic"
  let table: TensorTable
  /// The tensors by name; tests change them before they use the source.
  private let tensors: Mutex<[String: Tensor]>
  /// A tensor whose bytes cannot be read.
  private let damaged: Mutex<String?> = Mutex(nil)

  init(type: ElementType = .bfloat16) throws {
    let configuration = try Array(Self.config.utf8).withUnsafeBytes {
      try ModelConfiguration(json: $0, file: "config")
    }
    table = TensorTable(configuration)
    var random = SplitMix64(seed: 5)
    var tensors: [String: Tensor] = [:]
    for specification in table.specifications {
      let values = (0..<specification.shape.elementCount).map { _ in random.nextWeight() }
      tensors[specification.name] = Tensor(
        elementType: type, shape: specification.shape, bytes: encode(values, as: type))
    }
    self.tensors = Mutex(tensors)
  }

  /// The model as a conversion takes it.
  func source(files: [String] = []) throws -> ModelSource {
    try ModelSource(
      tensors: self, configurationText: Self.config, tokenizer: .unread(Array("tokenizer".utf8)),
      otherFiles: files)
  }

  /// Changes a tensor, or removes it.
  func change(_ name: String, _ body: (inout Tensor?) -> Void) { tensors.withLock { body(&$0[name]) } }

  /// Changes the values of a tensor and stores them in a type.
  func change(_ name: String, to type: ElementType = .bfloat16, values body: (inout [Float]) -> Void) {
    change(name) { tensor in
      guard var changed = tensor else { return }
      var values = decode(changed.bytes, as: changed.elementType)
      body(&values)
      changed.elementType = type
      changed.bytes = encode(values, as: type)
      tensor = changed
    }
  }

  /// Makes a tensor unreadable.
  func damage(_ name: String) { damaged.withLock { $0 = name } }

  func tensor(_ name: String) -> Tensor? { tensors.withLock { $0[name] } }

  /// The values of a tensor.
  func values(_ name: String) -> [Float] { tensor(name).map { decode($0.bytes, as: $0.elementType) } ?? [] }

  // MARK: TensorStore

  var files: [String] { [] }

  var entries: [TensorEntry] { table.specifications.compactMap { entry(named: $0.name) } }

  func entry(named name: String) -> TensorEntry? {
    tensor(name).map {
      TensorEntry(
        name: name, type: $0.elementType, shape: $0.shape, file: path, offset: nil, byteCount: $0.bytes.count)
    }
  }

  func bytes(of entry: TensorEntry) throws -> OwnedBytes {
    guard let tensor = tensor(entry.name) else { throw missing(entry.name) }
    if damaged.withLock({ $0 }) == entry.name {
      throw CogError("the tensor is damaged", code: .damaged, file: path, subject: entry.name)
    }
    // One byte in front, so that the elements are not aligned.
    return OwnedBytes(copying: [0] + tensor.bytes)[1..<1 + tensor.bytes.count]
  }

  func release(_ entry: TensorEntry) {}
}

/// A store that says that it has every tensor of a configuration, and has none.
final class EntriesOnly: TensorStore {
  let path = "entries only"
  let files: [String] = []
  let entries: [TensorEntry]
  private let indexByName: [String: Int]

  init(_ config: String) throws {
    let configuration = try Array(config.utf8).withUnsafeBytes {
      try ModelConfiguration(json: $0, file: "config")
    }
    entries = try TensorTable(configuration).specifications.map {
      TensorEntry(
        name: $0.name, type: .bfloat16, shape: $0.shape, file: "none", offset: nil,
        byteCount: try $0.shape.byteCount(of: .bfloat16))
    }
    indexByName = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
  }

  func entry(named name: String) -> TensorEntry? { indexByName[name].map { entries[$0] } }
  func bytes(of entry: TensorEntry) throws -> OwnedBytes { throw missing(entry.name) }
  func release(_ entry: TensorEntry) {}
}

/// Elements of a type, one at a time.
func encode(_ values: [Float], as type: ElementType) -> [UInt8] {
  var writer = ByteWriter()
  for value in values {
    switch type {
    case .float64: writer.write(Double(value).bitPattern)
    case .float32: writer.write(value)
    case .float16: writer.write(Float16(value).bitPattern)
    default: writer.write(roundToBFloat16(value))
    }
  }
  return writer.bytes
}

/// The twin of the kernels' rounding: to the nearest, to the even one on a tie; NaN stays NaN.
func roundToBFloat16(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  if value.isNaN { return UInt16(bits >> 16) | 0x40 }
  let lower = UInt16(bits >> 16), rest = bits & 0xFFFF
  return rest > 0x8000 || (rest == 0x8000 && lower & 1 == 1) ? lower + 1 : lower
}

/// The values of elements of a type.
func decode(_ bytes: [UInt8], as type: ElementType) -> [Float] {
  bytes.withUnsafeBytes { bytes in
    (0..<bytes.count / (type.bitWidth / 8)).map { index in
      switch type {
      case .float64: Float(bytes.loadUnaligned(fromByteOffset: index * 8, as: Double.self))
      case .float32: bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
      case .float16: Float(bytes.loadUnaligned(fromByteOffset: index * 2, as: Float16.self))
      default:
        Float(bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)) << 16)
      }
    }
  }
}

extension SplitMix64 {
  /// A number around 0 as weights have it, with a few large ones among them.
  mutating func nextWeight() -> Float {
    let sum = (0..<4).reduce(Float(0)) { sum, _ in sum + nextUnitFloat() - 0.5 }
    return sum * (next() % 97 == 0 ? 0.4 : 0.05)
  }
}
